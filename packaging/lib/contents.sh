# shellcheck shell=bash
# What can be told of the package without installing it. Sourced by packaging/test. Each check takes
# the folder that the package was unpacked to, and fails with a word on what is wrong.

# Systemd's exposure level, from 0 (nothing is allowed) to 10; above this the unit is too lax.
readonly MAX_EXPOSURE=2.0

check_files() {
    local tree=$1 file missing=0
    for file in usr/bin/bookstore etc/bookstore/bookstore.env DEBIAN/conffiles \
        usr/lib/systemd/system/bookstore.service usr/share/man/man1/bookstore.1.gz \
        usr/share/man/man1/bookstore-serve.1.gz usr/share/man/man1/bookstore-token-create.1.gz \
        usr/share/bash-completion/completions/bookstore usr/share/zsh/vendor-completions/_bookstore \
        usr/share/fish/vendor_completions.d/bookstore.fish usr/share/doc/bookstore/copyright \
        usr/share/doc/bookstore/changelog.Debian.gz usr/share/doc/bookstore/README.Debian \
        usr/share/doc/bookstore/THIRD-PARTY.gz usr/share/doc/bookstore/examples/alerts.yml \
        usr/share/doc/bookstore/examples/alerts_test.yml usr/share/doc/bookstore/operate.md \
        usr/share/doc/bookstore/clients.md; do
        [[ -s $tree/$file ]] || { say "The package lacks $file."; missing=1; }
    done
    # Else its first upgrade would overwrite what an administrator wrote.
    grep --quiet --line-regexp /etc/bookstore/bookstore.env "$tree/DEBIAN/conffiles" || missing=1
    grep --quiet '^DATABASE_URL=sqlite:///var/lib/bookstore/' "$tree/etc/bookstore/bookstore.env" ||
        { say "The settings do not say where the database is."; missing=1; }
    # The licenses of what is linked in.
    zgrep --quiet '^actix-web ' "$tree/usr/share/doc/bookstore/THIRD-PARTY.gz" || missing=1
    if "$tree/usr/bin/bookstore" --version | grep --quiet --invert-match "$(package_version)"; then
        say "The program is of another version than Cargo.toml says."
        missing=1
    fi
    if ! head -n 1 packaging/debian/changelog | grep --quiet --fixed-strings "($(package_version)-"
    then
        say "The newest entry of packaging/debian/changelog is not about $(package_version)."
        missing=1
    fi
    return "$missing"
}

package_version() {
    sed -n '0,/^version = /s/^version = "\(.*\)"/\1/p' Cargo.toml
}

check_unit() {
    local exposure
    systemd-analyze security --offline=true --no-pager "$1" >"$SCRATCH/exposure" || true
    tail -n 1 -- "$SCRATCH/exposure"
    exposure=$(sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p' "$SCRATCH/exposure")
    if ! awk -v is="$exposure" -v most="$MAX_EXPOSURE" 'BEGIN { exit !(is != "" && is <= most) }'
    then
        cat -- "$SCRATCH/exposure"
        say "The unit is exposed by ${exposure:-an unknown measure}; $MAX_EXPOSURE is the most."
        return 1
    fi
}

check_manual() {
    local page text said count=0
    for page in "$1"/usr/share/man/man1/*.1.gz; do
        said=$(MANROFFSEQ='' MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings --encoding=UTF-8 \
            --local-file "$page" 2>&1 >"$SCRATCH/page.txt")
        text=$(<"$SCRATCH/page.txt")
        if [[ -n $said || $text != *"EXIT STATUS"*"ENVIRONMENT"*"FILES"* ]]; then
            say "$(basename -- "$page"): ${said:-it lacks a section}"
            return 1
        fi
        count=$((count + 1))
    done
    echo "$count pages"
    ((count > 10))
}

# Each shell is asked what it makes of `bookstore ser`.
check_completions() {
    local share=$1/usr/share completes
    # shellcheck disable=SC2016 # the inner shells expand
    completes=$(bash --norc -c 'set -u; . "$1"
        COMP_WORDS=(bookstore ser) COMP_CWORD=1 COMPREPLY=()
        _bookstore bookstore ser bookstore
        printf "%s\n" "${COMPREPLY[@]}"' bash "$share/bash-completion/completions/bookstore")
    [[ $completes == serve ]] || { say "bash makes of it: $completes"; return 1; }
    # zsh completes at a terminal only: whether it reads the file, and knows what it is for.
    # shellcheck disable=SC2016
    zsh -f -c 'fpath=("$1" $fpath); autoload -Uz compinit; compinit -u -D
        [[ ${_comps[bookstore]} == _bookstore ]] && zsh -n "$1/_bookstore" && autoload +X _bookstore' \
        zsh "$share/zsh/vendor-completions" || { say "zsh does not know it"; return 1; }
    # shellcheck disable=SC2016
    completes=$(HOME=$SCRATCH fish --no-config --command 'source $argv[1]; complete --do-complete "bookstore ser"' \
        "$share/fish/vendor_completions.d/bookstore.fish")
    [[ $completes == serve* ]] || { say "fish makes of it: $completes"; return 1; }
    echo "bash, zsh, fish"
}
