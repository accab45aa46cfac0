# shellcheck shell=bash
# What is written in JavaScript, with the packages that its lock file names. Sourced, after run.sh and
# packages.sh.

missing_node_packages() {
    type -P node >/dev/null || echo nodejs
    type -P npm >/dev/null || echo npm
}

# ensure_node VERSION: at least this one. A distribution whose own is older has no other to install.
ensure_node() {
    local found
    found=$(node --version)
    found=${found#v}
    if ((${found%%.*} < $1)); then
        say "Node.js $found is too old: $1 or later is needed. Put it on the PATH."
        exit 2
    fi
}

# ensure_node_modules SOURCE FOLDER: the files of SOURCE in FOLDER, and there the packages of its lock file.
ensure_node_modules() {
    local source=$1 folder=$2
    local stamp=$folder/node_modules/.installed-lock.json
    mkdir -p -- "$folder"
    cp -R -- "$source/." "$folder/"
    if cmp --silent "$source/package-lock.json" "$stamp"; then
        return
    fi
    # No package's own script runs: none of those that are needed does more than to fetch or build what
    # is there already.
    run npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error
    cp -- "$source/package-lock.json" "$stamp"
}
