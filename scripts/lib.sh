# Shared by quickstart and check: packages, the user who runs the server, a private PostgreSQL.
# Source it with bash, `set -euo pipefail` on; it sets ROOT (the checkout).

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PG_MAJOR=15
export LANG=C.UTF-8 LC_ALL=C.UTF-8 # the server's test modules look at LANG only
umask 022

SERVER_PACKAGES=(
	postgresql-$PG_MAJOR postgresql-server-dev-$PG_MAJOR g++ make ca-certificates
	libwebsockets-dev libc-ares-dev libseccomp-dev libssl-dev zlib1g-dev
	libsecp256k1-dev libsimdjson-dev libidn2-dev libpsl-dev
)

say() { printf '%s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# quietly LOG COMMAND…: output goes to the log; its end is shown if the command fails.
quietly() {
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 40 "$log" >&2
		die "failed: $* (whole output: $log)"
	fi
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# PostgreSQL refuses to run as root: then everything that needs no root is done by its own user.
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

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Node.js 18 or newer with npm may come from anywhere; only without it Debian's is wanted.
node_packages() {
	if ! node -e 'process.exit(process.versions.node.split(".")[0] >= 18 ? 0 : 1)' 2>/dev/null; then
		echo nodejs npm
	elif ! npm --version >/dev/null 2>&1; then
		echo npm
	fi
}

# install_packages NAME…: installs those that are missing, or says which and stops.
install_packages() {
	local missing=() name log cluster_conf=/etc/postgresql-common/createcluster.d/bigbrotr.conf
	command -v dpkg-query >/dev/null || die "this is no Debian: install the like of these yourself: $*"
	for name in "$@"; do
		installed "$name" || missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	can_be_root || die "these packages are missing, and neither root nor sudo is there to install them:
  apt-get install ${missing[*]}"

	say "Installing ${#missing[@]} packages: ${missing[*]}"
	log=$(mktemp)
	(
		# The server package would create and start a cluster of the system: not ours to decide.
		trap 'as_root rm -f "$cluster_conf"' EXIT
		as_root mkdir -p "${cluster_conf%/*}"
		as_root tee "$cluster_conf" >/dev/null <<<'create_main_cluster = false'
		quietly "$log" as_root apt-get update -q
		quietly "$log" as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -q --no-install-recommends "${missing[@]}"
	) || exit 1
	rm -f "$log"
}

# private_directory LINK: makes LINK a directory that belongs to the user who runs the server; if
# that user cannot reach the checkout (as under /root), a link to one that it can.
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

# A short name for a path.
path_id() { cksum <<<"$1" | cut -d ' ' -f 1; }

# copy_sources DIRECTORY: the checkout's sources, without what was built there. Only files that differ
# are written, with the time of the copy: a second build does what changed, even what changed while the
# first one ran.
copy_sources() {
	local to=$1 new=$1.new file
	as_user rm -rf "$new"
	as_user mkdir -p "$to" "$new"
	tar -C "$ROOT" --exclude-vcs --exclude='./.bigbrotr*' --exclude='./build*' --exclude='*.o' --exclude='*.so' \
		--exclude='*.d' --exclude=node_modules --exclude='./bigbrotr-net' --exclude='./bigbrotr-import' \
		--exclude='./bigbrotr--*.sql' -cf - . | as_user tar -C "$new" -xmf - --no-same-owner
	as_user bash -c 'cd "$1" && find . -type f | while read -r file; do
		cmp -s "$file" "$2/$file" || { mkdir -p "$2/${file%/*}" && mv "$file" "$2/$file"; }
	done' - "$new" "$to"
	as_user rm -rf "$new"
	(cd "$to" && find src workers sql expected test -name node_modules -prune -o -type f -print) |
		grep -vE '\.(o|d)$' |
		while read -r file; do
			[ -e "$ROOT/$file" ] || rm -f "$to/$file"
		done
}

# private_postgres DIRECTORY: a copy of the installed server (which finds its parts relative to its
# own place) with all its extensions, so that nothing is installed into the system. Sets PG_BIN and
# PG_CONFIG.
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

# npm_install DIRECTORY: the packages of its lock file; as the caller, who may have settings for npm.
npm_install() {
	local directory=$1
	[ "$directory/package-lock.json" -nt "$directory/node_modules/.package-lock.json" ] || return 0
	npm ci --prefix "$directory"
}

# socket_directory LINK NAME: makes LINK/NAME, or a short one under /tmp if that is too long for a
# socket's name (107 bytes), and prints which.
socket_directory() {
	local directory=$1/$2
	if [ $((${#directory} + 20)) -gt 107 ]; then
		directory=/tmp/bigbrotr-$(path_id "$directory")
	fi
	as_user mkdir -p -m 700 "$directory"
	echo "$directory"
}
