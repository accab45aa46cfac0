# shellcheck shell=bash
# Clean Debians: the release of this machine, with nothing but what every Debian has. Sourced by
# packaging/test, as root.

CLEAN_ROOT=$TOOLS/clean-root-$(. /etc/os-release && echo "$VERSION_CODENAME").tar

may_make_machines() {
    ((EUID == 0)) &&
        unshare --mount --pid --net --uts --ipc --cgroup --fork --mount-proc true 2>/dev/null
}

ensure_clean_root() {
    local release source sources=()
    if [[ -s $CLEAN_ROOT ]]; then
        say "$CLEAN_ROOT is there."
        return
    fi
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # Where this machine has its packages from, without what is not Debian's.
    for source in /etc/apt/sources.list.d/{debian,ubuntu}.sources /etc/apt/sources.list; do
        [[ ! -s $source ]] || sources+=("$source")
    done
    mkdir -p -- "$TOOLS"
    run mmdebstrap --quiet --variant=minbase --format=tar "$release" "$CLEAN_ROOT.part" \
        "${sources[@]}"
    mv -- "$CLEAN_ROOT.part" "$CLEAN_ROOT"
}

# new_clean_root FOLDER
new_clean_root() {
    mkdir -- "$1"
    run tar --extract --numeric-owner --file "$CLEAN_ROOT" --directory "$1" --exclude './dev/*'
    # A folder of mktemp's lets nobody else in; the services there are somebody else.
    chmod 755 -- "$SCRATCH" "$1"
    cp -- /etc/resolv.conf "$1/etc/resolv.conf"
}

# in_namespaces COMMAND [ARG...]: processes, mounts and network end with it; there is no other network
# than a loopback.
in_namespaces() {
    run unshare --mount --pid --net --fork --kill-child --mount-proc -- "$@"
}

# add_packages FOLDER RELATION...: what satisfies these, as in a package's Depends. Starts nothing.
add_packages() {
    local folder=$1
    shift
    # shellcheck disable=SC2016 # the inner shell expands
    run unshare --mount --pid --fork --kill-child --mount-proc -- sh -euc '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
        chroot "$root" apt-get update --quiet=2
        chroot "$root" apt-get satisfy --quiet=2 --yes --no-install-recommends "$@" \
            >/dev/null
        ' add_packages "$folder" "$@"
}
