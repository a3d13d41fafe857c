# Shared by try and compose: Podman with a storage of its own in STORE, counting, waiting, building. To be sourced after `set -euo pipefail`.
ROOT=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
WORK=$STORE/try
PREFIX=bigbrotr-check
export CONTAINERS_CONF=$STORE/containers.conf
# Podman runs health checks by timers of systemd; here the test runs them itself.
export DISABLE_HC_SYSTEMD=true
PODMAN=(podman --root "$STORE/storage" --runroot "$STORE/run" --storage-driver "${STORAGE_DRIVER:-overlay}" --cgroup-manager cgroupfs --runtime runc)
podman() { command "${PODMAN[@]}" "$@"; }

PASSED=0 FAILED=0
ok() { # ok NAME COMMAND…
	local name=$1
	shift
	if "$@"; then
		PASSED=$((PASSED + 1)) && echo "ok: $name"
	else
		FAILED=$((FAILED + 1)) && echo "NOT OK: $name"
	fi
}
# same TEXT COMMAND…: whether the command says it.
same() { [ "$("${@:2}")" = "$1" ]; }
# until_true SECONDS COMMAND…
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.3
	done
}
clean() {
	local found
	for found in $(podman ps -aq --filter "name=$PREFIX"); do podman rm -f -t 0 "$found" >/dev/null; done
	for found in $(podman network ls -q --filter "name=$PREFIX"); do podman network rm -f "$found" >/dev/null; done
	for found in $(podman volume ls -q --filter "name=$PREFIX"); do podman volume rm -f "$found" >/dev/null; done
}

# build NAME OPTION…: the image $PREFIX-NAME.
build() {
	podman build --isolation chroot --network host --layers --ulimit nofile=20000:20000 ${IGNOREFILE:+--ignorefile "$IGNOREFILE"} -t "$PREFIX-$1" "${@:2}" >"$WORK/build-$1.log" 2>&1 ||
		{ tail -20 "$WORK/build-$1.log"; return 1; }
}
build_target() { build "$1" -f "$ROOT/docker/Dockerfile" --target "$1" "$ROOT"; }

mkdir -p "$WORK"
printf '[network]\nnetwork_backend = "netavark"\n[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=10000:10000"]\n' >"$CONTAINERS_CONF"
clean
trap clean EXIT
