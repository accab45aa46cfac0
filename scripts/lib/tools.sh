# shellcheck shell=bash
# Programs that cargo builds for the scripts, into target/tools. Sourced, after run.sh, from the top
# of the tree.

: "${TOOLS:=$PWD/target/tools}"

# ensure_tool CRATE VERSION [CARGO_FLAG...]: the program CRATE of this very version.
ensure_tool() {
    local crate=$1 version=$2 found
    shift 2
    found=$("$TOOLS/bin/$crate" --version 2>/dev/null) || found=
    if [[ " $found" == *" $version" ]]; then
        say "$crate $version is there."
        return
    fi
    # Unoptimised: it builds in half the time. One folder for all: they share what they depend on.
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$TOOLS/build run cargo install "$crate" \
        --version "$version" --locked --debug --force --root "$TOOLS" "$@"
}
