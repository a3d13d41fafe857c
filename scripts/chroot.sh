# Part of check: other systems, made with debootstrap, for the suites and for tests of packages.

# One folder for each release: "base" is the fresh system, the others are copies of it. Remove a folder to start anew.
CHROOTS=${BIGBROTR_CHROOTS:-$ROOT/build/chroots}

# make_chroot RELEASE NAME: creates the system NAME unless it exists, and sets CHROOT to it.
make_chroot() {
	local release=$1 base=$CHROOTS/$1/base
	CHROOT=$CHROOTS/$1/$2
	is_root || die "only root may make another system"
	install_packages debootstrap ca-certificates util-linux
	[[ $release =~ ^[a-z]+$ && -e /usr/share/debootstrap/scripts/$release ]] || die "debootstrap knows no release \"$release\""
	mkdir -p "$CHROOTS/$release"
	exec 9>"$CHROOTS/$release/lock"
	flock -n 9 || die "another ./check uses $CHROOTS/$release"
	if [ ! -d "$base" ]; then
		say "Making a fresh $release in $base"
		rm -rf "$base.new"
		mkdir -p "$base.new"
		quietly "$base.log" debootstrap --variant=minbase "$release" "$base.new"
		# A stable release needs its security updates to have the same packages as this machine. Unstable has no such suite.
		[ "$release" = sid ] ||
			sed -i "s|^\\(deb [^ ]*/debian\\) $release main\$|&\\n\\1-security $release-security main|" "$base.new/etc/apt/sources.list"
		mv "$base.new" "$base"
	fi
	if [ ! -d "$CHROOT" ]; then
		rm -rf "$CHROOT.new"
		cp -a "$base" "$CHROOT.new"
		mv "$CHROOT.new" "$CHROOT"
	fi
	copy_network_settings
	copy_checkout
}

# Copies the settings with which this machine reaches package registries. Installing ca-certificates in the system adds the certificates.
copy_network_settings() {
	cp -L /etc/resolv.conf "$CHROOT/etc/resolv.conf"
	apt-config dump | grep -E '^Acquire::(https?|Check-)' >"$CHROOT/etc/apt/apt.conf.d/90host" || true
	mkdir -p "$CHROOT/usr/local/share/ca-certificates"
	find /usr/local/share/ca-certificates -name '*.crt' -exec cp -L -t "$CHROOT/usr/local/share/ca-certificates" {} +
}

# Copies the checkout to /srv/bigbrotr of the system; the folder build there stays.
copy_checkout() {
	local to=$CHROOT/srv/bigbrotr
	mkdir -p "$to" "$CHROOT/srv/shared"
	find "$to" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	sources | tar -C "$to" -xf - --no-same-owner
}

# in_chroot COMMAND…: runs the command in the system's checkout. Mounts and processes are in namespaces, which end with the command or
# with this script, even if these are killed.
in_chroot() {
	local shared=${BIGBROTR_SHARED:-$ROOT/../shared}
	[ -d "$shared" ] || shared=
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child bash -c '
		set -e
		shared=$1
		mount --bind "$2" "$2"
		cd "$2"
		mount -t proc proc proc
		mount --rbind /sys sys
		mount --rbind /dev dev
		mount -t tmpfs tmpfs dev/shm
		[ -z "$shared" ] || mount --bind -o ro "$shared" srv/shared
		[ ! -f ~/.npmrc ] || { touch root/.npmrc && mount --bind -o ro ~/.npmrc root/.npmrc; }
		# pivot_root, because within a chroot the kernel creates no user namespaces, which tests of full disks need.
		pivot_root . mnt
		umount -l mnt
		env -u BIGBROTR_SHARED -u TMPDIR HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			bash -c "cd /srv/bigbrotr && \"\$@\"" - "${@:3}"
		exit' - "$shared" "$CHROOT" "$@"
}
