# shellcheck shell=bash
# Test programs, and how many tests they ran: a filter that matches nothing is no success. Sourced, after
# run.sh, from the top of the tree.

# count_tests COMMAND [ARG...]: `cargo test` or the like; then PASSED and IGNORED are the tests of all its
# programs.
count_tests() {
    local output
    output=$(mktemp)
    at_exit rm -f -- "$output"
    # shellcheck disable=SC2016 # the inner shell expands
    run bash -c 'set -o pipefail; "${@:2}" | tee "$1"' count_tests "$output" "$@"
    # shellcheck disable=SC2034 # the scripts read them
    read -r PASSED IGNORED < <(awk '
        /^test result: ok\./ { passed += $4; ignored += $8 }
        END { print passed + 0, ignored + 0 }' "$output")
}
