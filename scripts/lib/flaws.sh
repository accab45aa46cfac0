# shellcheck shell=bash
# What is broken on purpose: the patches in tests/storm/flaws. Sourced, from the top of the tree.
#
# Each begins with what it breaks, then `storm:` and the options of a storm that finds it, then `finds:` and what
# that has to find: an extended regular expression.

readonly FLAWS=$PWD/tests/storm/flaws

flaw_says() {
    sed -n '/^storm: /q; p' "$FLAWS/$1.patch"
}

flaw_options() {
    sed -n 's/^storm: //p' "$FLAWS/$1.patch"
}

flaw_finds() {
    sed -n 's/^finds: //p' "$FLAWS/$1.patch"
}

# apply_flaw NAME TREE [GIT_APPLY_FLAG...]
apply_flaw() {
    local name=$1 tree=$2
    shift 2
    # A tree inside another one's target folder is not part of that one: git would skip all files.
    GIT_CEILING_DIRECTORIES=$(dirname -- "$tree") git -C "$tree" apply "$@" -- "$FLAWS/$name.patch"
}
