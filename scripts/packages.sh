# Part of check: builds the Debian packages in one system and tests them in another.

# check_packages RELEASE
check_packages() {
	local release=$1 packages=$CHROOTS/$1/packages
	make_chroot "$release" build
	say "== build"
	rm -rf "$packages" "$CHROOT/srv"/*.{deb,buildinfo,changes}
	mkdir -p "$CHROOTS/$release/log" "$packages"
	quietly "$CHROOTS/$release/log/build-depends.log" in_chroot bash -c 'export DEBIAN_FRONTEND=noninteractive
		apt-get update -q &&
		apt-get install -y -q --no-install-recommends dpkg-dev &&
		cp debian/control.in debian/control &&
		apt-get build-dep -y -q --no-install-recommends ./'
	quietly "$CHROOTS/$release/log/dpkg-buildpackage.log" in_chroot bash -c 'pg_buildext updatecontrol && dpkg-buildpackage -us -uc -b'
	mv "$CHROOT/srv"/*.deb "$packages"
	rm -f "$packages"/*-dbgsym_*.deb
	(cd "$packages" && ls -s --block-size=kB)

	say "== install, use, purge"
	rm -rf "$CHROOTS/$release/try"
	make_chroot "$release" try
	cp "$packages"/*.deb "$CHROOT/srv"
	in_chroot test/packages/try
}
