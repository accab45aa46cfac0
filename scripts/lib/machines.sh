# shellcheck shell=bash
# Machines that are none: network namespaces on one switch, each with an address of its own, so that one
# of them can lose its network, or all its processes at once. Sourced, after run.sh.
#
#     apart SCRIPT ARG...     runs SCRIPT again where the rest works; needs root
#     new_machines N          machines 1..N, in MACHINES/N
#     on_machine N USER COMMAND...
#
# `apart` gives the script its own processes, network, mounts and IPC. Whatever it starts ends with it,
# however it ends, and nothing of it is seen outside but its folder. It does not take the place of its
# caller: `unshare` is deaf to signals, and the caller passes them on.

readonly SUBNET=10.86.0
# Where their folders are.
MACHINES=

apart() {
    run unshare --net --mount --ipc --pid --fork --kill-child=KILL --mount-proc \
        env BOOKSTORE_APART=1 "$@"
}

new_machines() {
    local n
    MACHINES=$(mktemp -d "${TMPDIR:-/tmp}/bookstore-machines.XXXXXX")
    at_exit leave_machines
    chmod 755 "$MACHINES"
    # What `ip netns` writes down is for us alone.
    mkdir -p /run/netns
    mount -t tmpfs tmpfs /run/netns
    ip link set lo up
    ip link add switch type bridge
    ip addr add "$SUBNET.100/24" dev switch
    ip link set switch up
    for ((n = 1; n <= $1; n++)); do
        ip netns add "machine$n"
        ip link add "machine$n" type veth peer name eth0 netns "machine$n"
        ip link set "machine$n" master switch up
        ip -n "machine$n" addr add "$SUBNET.$n/24" dev eth0
        ip -n "machine$n" link set eth0 up
        ip -n "machine$n" link set lo up
        mkdir -- "$MACHINES/$n"
    done
    export BOOKSTORE_MACHINES=$MACHINES
}

leave_machines() {
    local machine pids
    for machine in "$MACHINES"/[0-9]*; do
        mapfile -t pids < <(ip netns pids "machine${machine##*/}" 2>/dev/null)
        ((${#pids[@]} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null
    done
    if [[ ${BOOKSTORE_TEST_KEEP-} == 1 ]]; then
        say "Kept for a look: $MACHINES"
    else
        # Who was killed may write for a moment yet.
        wait_until 10 rm -rf -- "$MACHINES" 2>/dev/null
    fi
}

# on_machine N USER COMMAND [ARG...]: COMMAND as USER, whose home is the machine's folder.
on_machine() {
    local n=$1 user=$2
    shift 2
    ip netns exec "machine$n" setpriv --reuid="$user" --regid="$user" --init-groups -- \
        env --chdir=/ HOME="$MACHINES/$n" TMPDIR="$MACHINES/$n" "$@"
}

# may_start N: the rest of the words on standard input are the program $MACHINES/N/start, which starts the
# machine's server again after a crash, without waiting for it.
may_start() {
    { printf '#!/usr/bin/env bash\nset -eu\n' && cat; } >"$MACHINES/$1/start"
    chmod +x "$MACHINES/$1/start"
}

# fail_on_machine N WHAT LOG
fail_on_machine() {
    say "Machine $1: $2."
    tail -n 40 -- "$3" 2>/dev/null | sed 's/^/    /' >&2
    exit 2
}
