# shellcheck shell=bash
# What the system must have: looked for here, installed by install-packages. Sourced, after run.sh
# and servers.sh, which knows where server programs hide. Names are Debian's (and Ubuntu's).

# Functions that print the packages that are missing, one a line. A script that needs more than a
# build and the tests do adds its own.
PACKAGE_CHECKS=(missing_test_packages)

missing_packages() {
    local check
    for check in "${PACKAGE_CHECKS[@]}"; do
        "$check"
    done
}

# Looks for what is used, not for Debian's records, so that a program from elsewhere counts.
missing_test_packages() {
    # gcc alone has no <stdio.h>.
    echo '#include <stdio.h>' | cc -x c -fsyntax-only - 2>/dev/null || printf '%s\n' gcc libc6-dev
    type -P pkg-config >/dev/null || echo pkg-config
    # The Diesel CLI links both; the `mysql` feature links the second.
    has_library libpq || echo libpq-dev
    has_library libmariadb || has_library mysqlclient || echo libmariadb-dev
    # The build that speaks TLS to PostgreSQL links libpq and this.
    has_library sqlite3 || echo libsqlite3-dev
    # The certificates of the throw-away servers.
    type -P openssl >/dev/null || echo openssl
    postgres_programs >/dev/null || echo postgresql
    { mariadb_program mariadbd && mariadb_program mariadb-install-db; } >/dev/null ||
        echo mariadb-server
    # Backups and users as docs/operate.md makes them.
    { type -P psql && type -P pg_dump; } >/dev/null || echo postgresql-client
    { type -P mariadb && type -P mariadb-dump; } >/dev/null || echo mariadb-client
    type -P sqlite3 >/dev/null || echo sqlite3
    # The examples of docs/clients.md.
    type -P curl >/dev/null || echo curl
    # Checks and tests the alert rules in ops/.
    type -P promtool >/dev/null || echo prometheus
    type -P node >/dev/null || echo nodejs
    type -P python3 >/dev/null || echo python3
    # Servers whose clock is wrong.
    compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || echo faketime
}

has_library() {
    pkg-config --exists "$1" 2>/dev/null
}

# Installs what is missing; exits with 2 and says what to do if it can't.
ensure_packages() {
    local missing as_root=() install
    mapfile -t missing < <(missing_packages)
    if ((${#missing[@]} == 0)); then
        say "All there."
        return
    fi
    say "Missing packages: ${missing[*]}"

    install=$(dirname -- "${BASH_SOURCE[0]}")/install-packages
    if ((EUID != 0)); then
        as_root=(sudo -n)
        "${as_root[@]}" true 2>/dev/null || ask_for_packages "only root can install them"
    fi
    type -P apt-get >/dev/null || ask_for_packages "there is no apt-get"
    # Not with `run`: a signal to this script must wait for the end of an installation.
    "${as_root[@]}" "$install" "${missing[@]}" </dev/null || ask_for_packages "apt-get failed"

    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) || ask_for_packages "they were installed and still are not found"
}

# ask_for_packages WHY: uses `missing` and `install` of its caller.
ask_for_packages() {
    say "Can't go on: $1. Please install: ${missing[*]}"
    say "On Debian and Ubuntu, without starting the servers among them:"
    say "    sudo $install ${missing[*]}"
    exit 2
}

# The Rust toolchain comes from the developer, not from apt.
ensure_rust() {
    local tool
    type -P cargo >/dev/null || PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
    for tool in cargo cargo-fmt cargo-clippy; do
        if ! type -P "$tool" >/dev/null; then
            say "$tool is missing. Install Rust (https://rustup.rs), then:"
            say "    rustup component add rustfmt clippy"
            exit 2
        fi
    done
}
