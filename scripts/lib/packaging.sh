# shellcheck shell=bash
# What building and testing the Debian package takes. Sourced, after packages.sh and tools.sh.

readonly CARGO_DEB_VERSION=3.8.0

# Linked with the system's libraries: Debian's security updates reach them, its libpq speaks TLS, and
# a shop that moves from SQLite to a server needs no other package.
# shellcheck disable=SC2034 # those who source it use it
readonly PACKAGE_FEATURES=sqlite,postgres,mysql

missing_packaging_packages() {
    type -P pkg-config >/dev/null || echo pkg-config
    has_library libpq || echo libpq-dev
    has_library sqlite3 || echo libsqlite3-dev
    has_library libmariadb || has_library mysqlclient || echo libmariadb-dev
    # Finds the packages of the libraries.
    type -P dpkg-shlibdeps >/dev/null || echo dpkg-dev
    type -P strip >/dev/null || echo binutils
    type -P xz >/dev/null || echo xz-utils
    type -P python3 >/dev/null || echo python3
}

missing_package_test_packages() {
    type -P lintian >/dev/null || echo lintian
    type -P man >/dev/null || echo man-db
    type -P systemd-analyze >/dev/null || echo systemd
    type -P mmdebstrap >/dev/null || echo mmdebstrap
    type -P ip >/dev/null || echo iproute2
    type -P pgrep >/dev/null || echo procps
    type -P curl >/dev/null || echo curl
    # The databases that the packaged service moves to.
    postgres_programs >/dev/null || echo postgresql
    { mariadb_program mariadbd && mariadb_program mariadb; } >/dev/null || echo mariadb-server
    type -P zsh >/dev/null || echo zsh
    type -P fish >/dev/null || echo fish
}

ensure_cargo_deb() {
    # The system's xz compresses.
    ensure_tool cargo-deb "$CARGO_DEB_VERSION" --no-default-features
}
