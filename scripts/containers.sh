# Part of check: builds the images of docker/ and runs them with Podman.

# A Debian made with debootstrap replaces the base image, so that no registry is used. BIGBROTR_CONTAINERS names a folder for Podman.
check_containers() {
	local release=bookworm store=${BIGBROTR_CONTAINERS:-$ROOT/build/containers}
	make_chroot "$release" image
	without_services install_packages prometheus prometheus-alertmanager
	install_packages podman buildah runc podman-compose docker-compose netavark aardvark-dns iptables
	mkdir -p "$store"
	local podman=(podman --root "$store/storage" --runroot "$store/run" --storage-driver "${STORAGE_DRIVER:-overlay}")
	if ! "${podman[@]}" image exists "localhost/debian:$release-slim"; then
		tar -C "$CHROOT" --exclude='./srv/*' -cf "$store/base.tar" .
		quietly "$store/import.log" "${podman[@]}" import "$store/base.tar" "localhost/debian:$release-slim"
		rm "$store/base.tar"
	fi
	STORE=$store "$ROOT/test/containers/try"
	STORE=$store "$ROOT/test/containers/compose"
}
