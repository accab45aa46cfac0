# shellcheck shell=bash
# Ending well: what runs when a script exits, however it exits, and commands that can be stopped
# halfway. Sourced by the scripts; it sets the traps of the whole script. Nothing about databases
# here (servers.sh) or packages (packages.sh). Needs Linux with bash and util-linux.

AT_EXIT=()
RUN_PID=
# Seconds that a command has to end. More where that is a script that has something to stop itself.
RUN_PATIENCE=10

# at_exit COMMAND [ARG...]: run COMMAND when the script ends, with its code in EXIT_STATUS; the
# newest runs first.
at_exit() {
    AT_EXIT=("$(printf '%q ' "$@")" "${AT_EXIT[@]}")
}

run_at_exit() {
    local status=$? command
    trap - EXIT
    # A second Ctrl-C must not leave a server behind.
    trap '' HUP INT TERM
    set +e
    stop_run
    for command in "${AT_EXIT[@]}"; do
        EXIT_STATUS=$status eval "$command"
    done
    exit "$status"
}

trap run_at_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# run COMMAND [ARG...]: like COMMAND alone, but a signal to the script ends it at once, with all
# that it started. (bash handles a signal only when its foreground command has ended; `wait` is
# interrupted. A session of its own makes one group of whatever COMMAND starts.)
run() {
    local status=0
    setsid -- "$@" <&0 &
    RUN_PID=$!
    wait "$RUN_PID" || status=$?
    RUN_PID=
    return "$status"
}

stop_run() {
    [[ -n $RUN_PID ]] || return 0
    # Alone, if it has not come so far as to lead a group.
    kill -TERM -- "-$RUN_PID" 2>/dev/null || kill -TERM "$RUN_PID" 2>/dev/null
    wait_until "$RUN_PATIENCE" not group_lives "$RUN_PID" || kill -KILL -- "-$RUN_PID" 2>/dev/null
    RUN_PID=
}

group_lives() {
    kill -0 -- "-$1" 2>/dev/null
}

# wait_until SECONDS COMMAND [ARG...]: poll until COMMAND succeeds; fails when time is up.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

not() {
    ! "$@"
}

# keep_litter_together NAME: what tests leave behind, above all those of broken code, is from here on in one
# folder, and goes with the script.
keep_litter_together() {
    local litter
    litter=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
    at_exit rm -rf -- "$litter"
    # The servers run as users of their own.
    chmod 755 "$litter"
    export TMPDIR=$litter
}

# One line on stderr.
say() {
    printf '%s\n' "$*" >&2
}
