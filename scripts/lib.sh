# Shared by quickstart, check and bench: packages, the user who runs the server, a private PostgreSQL.
# To be sourced by bash after `set -euo pipefail`. Sets ROOT (the checkout). choose_major must be called
# before other functions that use packages or a server.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
export LANG=C.UTF-8 LC_ALL=C.UTF-8 # the server's test modules look at LANG only
umask 022

# choose_major adds the packages of the server.
SERVER_PACKAGES=(
	g++ make ca-certificates
	libwebsockets-dev libc-ares-dev libseccomp-dev libssl-dev libjansson-dev libmaxminddb-dev zlib1g-dev
	libsecp256k1-dev libsimdjson-dev libidn2-dev libpsl-dev
)

say() { printf '%s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# quietly LOG COMMAND…: writes the output to the log, and shows the end of the log if the command fails.
quietly() {
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "failed: $* (whole output: $log)"
	fi
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# as_user COMMAND…: if the caller is root, runs the command as the user postgres, because PostgreSQL refuses to run as root.
as_user() {
	if is_root; then
		runuser -u postgres -- env HOME=/var/lib/postgresql "$@"
	else
		"$@"
	fi
}

as_root() {
	if is_root; then
		"$@"
	else
		sudo "$@"
	fi
}

can_be_root() { is_root || { command -v sudo && { sudo -n true || [ -t 0 ]; }; } >/dev/null 2>&1; }

system_name() { (. /etc/os-release && echo "$PRETTY_NAME"); }

# offered NAME…: prints those packages that apt can install.
offered() {
	apt-cache policy "$@" 2>/dev/null |
		awk '/^[^ ].*:$/ { name = substr($1, 1, length($1) - 1) } /^  Candidate:/ && $2 != "(none)" { print name }'
}

# choose_major [DATA]: sets and exports PG_MAJOR, the major version of PostgreSQL: that of the data directory DATA, else that of the
# environment, else the newest one that is installed with its headers, else the one that the system offers.
choose_major() {
	local asked=${PG_MAJOR-} oldest newest made
	read -r oldest newest < <(sed -nE 's/^#error .* PostgreSQL ([0-9]+) to ([0-9]+).*/\1 \2/p' "$ROOT/src/pg/border/compat.h")
	made=$(cat "${1-}/PG_VERSION" 2>/dev/null || true)
	if [ -n "$made" ]; then
		[ -z "$asked" ] || [ "$asked" = "$made" ] ||
			die "PG_MAJOR asks for PostgreSQL $asked, but PostgreSQL $made made the archive in $1: unset PG_MAJOR, or move the archive with pg_upgrade"
		PG_MAJOR=$made MAJOR_REASON="it made the archive in $1"
	elif [ -n "$asked" ]; then
		MAJOR_REASON="PG_MAJOR asks for it"
	else
		PG_MAJOR=$(newest_installed_major "$oldest" "$newest") MAJOR_REASON="it is installed"
		[ -n "$PG_MAJOR" ] || PG_MAJOR=$(offered_major) MAJOR_REASON="$(system_name) offers it"
		[ -n "$PG_MAJOR" ] || die "PostgreSQL is not installed, and $(system_name) offers no package postgresql; PostgreSQL $oldest to $newest is needed"
	fi
	[[ $PG_MAJOR =~ ^[1-9][0-9]$ && $PG_MAJOR -ge $oldest && $PG_MAJOR -le $newest ]] ||
		die "PostgreSQL $PG_MAJOR ($MAJOR_REASON) is not supported; PostgreSQL $oldest to $newest is"
	export PG_MAJOR
	SERVER_PACKAGES+=("postgresql-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR")
}

newest_installed_major() {
	local major
	for ((major = $2; major >= $1; major--)); do
		if [ -x "/usr/lib/postgresql/$major/bin/postgres" ] && [ -e "/usr/lib/postgresql/$major/lib/pgxs" ]; then
			echo "$major"
			return
		fi
	done
}

# Prints the version of the package "postgresql". A fresh container image has no package lists, so these are updated first.
offered_major() {
	command -v apt-cache >/dev/null || return 0
	[ -n "$(offered postgresql)" ] || ! can_be_root || as_root apt-get update -q >/dev/null 2>&1 || true
	apt-cache policy postgresql | sed -nE 's/^  Candidate: ([0-9]+:)?([0-9]+)\+.*/\2/p'
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Prints the packages for Node.js, unless Node.js 18 or newer and npm are installed from any source.
node_packages() {
	if ! node -e 'process.exit(process.versions.node.split(".")[0] >= 18 ? 0 : 1)' 2>/dev/null; then
		echo nodejs npm
	elif ! npm --version >/dev/null 2>&1; then
		echo npm
	fi
}

# install_packages NAME…: installs missing packages, or names them and stops.
install_packages() {
	local missing=() name unknown log cluster_conf=/etc/postgresql-common/createcluster.d/bigbrotr.conf
	command -v dpkg-query >/dev/null || die "this is no Debian: install the like of these yourself: $*"
	for name in "$@"; do
		installed "$name" || missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	can_be_root || die "these packages are missing, and neither root nor sudo is there to install them:
  apt-get install ${missing[*]}"

	log=$(mktemp)
	quietly "$log" as_root apt-get update -q
	unknown=$(comm -23 <(printf '%s\n' "${missing[@]}" | sort) <(offered "${missing[@]}" | sort) | paste -sd ' ')
	[ -z "$unknown" ] || die "$(system_name) offers no package $unknown (PostgreSQL $PG_MAJOR, since $MAJOR_REASON)"
	say "Installing ${#missing[@]} packages: ${missing[*]}"
	(
		# Without this file, the server package would create and start a cluster of the system.
		trap 'as_root rm -f "$cluster_conf"' EXIT
		as_root mkdir -p "${cluster_conf%/*}"
		as_root tee "$cluster_conf" >/dev/null <<<'create_main_cluster = false'
		quietly "$log" as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -q --no-install-recommends "${missing[@]}"
	) || exit 1
	rm -f "$log"
}

# without_services COMMAND…: no package that it installs starts a service of the system, now or with the machine.
without_services() {
	local policy=/usr/sbin/policy-rc.d preset=/etc/systemd/system-preset/00-bigbrotr.preset
	(
		trap '[ -z "${made-}" ] || as_root rm -f "$policy"; as_root rm -f "$preset"' EXIT
		[ -e "$policy" ] || { made=yes && printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod 0755 "$policy"; }
		as_root mkdir -p "${preset%/*}"
		as_root tee "$preset" >/dev/null <<<'disable *'
		"$@"
	)
}

# private_directory LINK: makes LINK a directory that belongs to the user who runs the server. If
# that user cannot reach the checkout (as under /root), LINK becomes a link to another directory.
private_directory() {
	local link=$1 target=$1
	[ ! -d "$link" ] || return 0
	rm -f "$link"
	if is_root && ! runuser -u postgres -- test -x "${link%/*}"; then
		target=/var/lib/bigbrotr-$(path_id "$link")
		ln -s "$target" "$link"
		say "The user postgres cannot reach ${link%/*}: the data is in $target"
	fi
	mkdir -p "$target"
	! is_root || chown postgres: "$target"
}

remove_private_directory() {
	local target
	target=$(readlink -f "$1")
	rm -rf "$target" "$1"
}

# path_id PATH: prints a short number for a path.
path_id() { cksum <<<"$1" | cut -d ' ' -f 1; }

# Writes the checkout without built files as tar.
sources() {
	tar -C "$ROOT" --exclude-vcs --exclude='./.bigbrotr*' --exclude='./build*' --exclude='*.o' --exclude='*.so' \
		--exclude='*.d' --exclude=node_modules --exclude='./bigbrotr-net' --exclude='./bigbrotr-import' \
		--exclude='./tmp_check*' --exclude=./results --exclude=./output_iso --exclude=./log \
		--exclude='./bigbrotr--*.sql' --exclude='./debian/*bigbrotr*' --exclude='./debian/.debhelper' --exclude='./debian/control' -cf - .
}

# copy_sources DIRECTORY: copies the sources of the checkout. Only files that differ are written, with
# the time of the copy, so that a second build compiles what changed, even if it changed during the
# first build.
copy_sources() {
	local to=$1 new=$1.new file
	as_user rm -rf "$new"
	as_user mkdir -p "$to" "$new"
	sources | as_user tar -C "$new" -xmf - --no-same-owner
	# md5sum says FAILED in the language of the locale.
	as_user bash -c 'cd "$1" && find . -type f -exec md5sum {} + >"$1.md5" && cd "$2" &&
		LC_ALL=C md5sum --check --quiet "$1.md5" 2>/dev/null | sed -n "s/: FAILED.*//p" | tar -C "$1" -cf - -T - | tar -xmf -' - "$new" "$to"
	as_user rm -rf "$new" "$new.md5"
	(cd "$to" && find src workers sql expected test -name node_modules -prune -o -type f -print) |
		grep -vE '\.(o|d)$' |
		while read -r file; do
			[ -e "$ROOT/$file" ] || rm -f "$to/$file"
		done
}

# private_postgres DIRECTORY: copies the installed server with all its extensions, so that nothing is
# installed into the system. The server finds its files relative to its own directory. Sets PG_BIN
# and PG_CONFIG.
private_postgres() {
	local to=$1 version
	PG_BIN=$to/lib/postgresql/$PG_MAJOR/bin
	export PG_CONFIG=$PG_BIN/pg_config
	version=$(
		"/usr/lib/postgresql/$PG_MAJOR/bin/postgres" --version
		ls "/usr/share/postgresql/$PG_MAJOR/extension" | grep -v '^bigbrotr'
	)
	[ "$(cat "$to/version" 2>/dev/null)" != "$version" ] || return 0
	rm -rf "$to"
	as_user mkdir -p "$to"/{lib,share}/postgresql "$to/include"
	as_user cp -r "/usr/lib/postgresql/$PG_MAJOR" "$to/lib/postgresql/"
	as_user cp -r "/usr/share/postgresql/$PG_MAJOR" "$to/share/postgresql/"
	as_user rm -rf "$to/lib/postgresql/$PG_MAJOR/lib"/{bitcode,llvmjit*,bigbrotr*} \
		"$to/share/postgresql/$PG_MAJOR/extension"/bigbrotr*
	as_user ln -s /usr/include/postgresql "$to/include/postgresql"
	as_user tee "$to/version" >/dev/null <<<"$version"
}

# npm_install DIRECTORY: installs the packages of the lock file, as the caller, who may have settings for npm. DIRECTORY is a
# copy of a folder of test/e2e. If that folder of the checkout has the same packages, they are copied, without a network.
npm_install() {
	local directory=$1 from=$ROOT/test/e2e/${1##*/}
	lacks_packages "$directory" || return 0
	if cmp -s "$from/package-lock.json" "$directory/package-lock.json" && ! lacks_packages "$from"; then
		rm -rf "$directory/node_modules" "$directory/node_modules.new" &&
			cp -R "$from/node_modules" "$directory/node_modules.new" &&
			mv "$directory/node_modules.new" "$directory/node_modules"
	else
		npm ci --prefix "$directory"
	fi
}

# npm writes the file in node_modules last.
lacks_packages() { [ "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]; }

# socket_directory LINK NAME: creates LINK/NAME, or a directory under /tmp if LINK/NAME is too long for
# a socket's name (107 bytes), and prints its path.
socket_directory() {
	local directory=$1/$2
	if [ $((${#directory} + 20)) -gt 107 ]; then
		directory=/tmp/bigbrotr-$(path_id "$directory")
	fi
	as_user mkdir -p -m 700 "$directory"
	echo "$directory"
}
