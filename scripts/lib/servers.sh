# shellcheck shell=bash
# Throw-away database servers: a PostgreSQL and a MariaDB, each in a new folder and on a free
# loopback port, gone when the script ends. Sourced, after run.sh. Nothing here touches a server
# that it did not start, and nothing here installs anything (packages.sh does).
#
#     start_postgres [SERVER_FLAG...]    exports BOOKSTORE_TEST_POSTGRES_URL
#     start_mariadb [SERVER_FLAG...]     exports BOOKSTORE_TEST_MYSQL_URL
#     stop_servers                       also runs at exit
#
# After `SERVERS_SPEAK_TLS=1` they also offer TLS, with certificates that are their own authorities, in
# the files BOOKSTORE_TEST_POSTGRES_CERTIFICATE (for localhost) and BOOKSTORE_TEST_MYSQL_CERTIFICATE
# (for 127.0.0.1).
#
# After `SERVER_DISK_SIZE=SIZE` the data of each is on a disk of its own that small (a tmpfs, for which one
# has to be root), at SERVER_FOLDER/data.
#
# Both keep full durability, so that a commit costs here what it costs in a shop. With
# BOOKSTORE_TEST_KEEP=1 the folders stay, with data and logs, and are named.
#
# Must run in the script's own shell, not in a subshell: the servers end with their parent.

SERVER_PIDS=()
SERVER_SIGNALS=()
SERVER_FOLDERS=()
SERVER_DISKS=()
# Of the server started last. The command starts it again where it was.
SERVER_PORT=
SERVER_FOLDER=
SERVER_COMMAND=()
# Of the server that is about to start, if it is to speak TLS.
SERVER_CERTIFICATE=
SERVER_KEY=

# Seconds that a server may take to start, or to stop before it is killed.
readonly SERVER_PATIENCE=60

# The developer's own servers must reach neither the tests nor the tools.
forget_other_servers() {
    unset DATABASE_URL BOOKSTORE_TEST_POSTGRES_URL BOOKSTORE_TEST_MYSQL_URL
    unset BOOKSTORE_TEST_POSTGRES_CERTIFICATE BOOKSTORE_TEST_MYSQL_CERTIFICATE
    unset "${!PG@}" "${!MYSQL_@}"
}

start_postgres() {
    local programs tls=()
    programs=$(postgres_programs) || fail_to_start PostgreSQL "its programs are not installed"
    new_server_folder postgres
    mount_server_disk postgres
    # A cluster nobody has written to yet can be made again: here alone, no fsync.
    as_user postgres "$programs/initdb" --pgdata="$SERVER_FOLDER/data" --no-sync \
        --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        >"$SERVER_FOLDER/initdb.log" 2>&1 </dev/null ||
        fail_to_start PostgreSQL "initdb failed" "$SERVER_FOLDER/initdb.log"
    if [[ -n ${SERVERS_SPEAK_TLS-} ]]; then
        make_certificate PostgreSQL postgres DNS:localhost
        tls=(-c ssl=on -c ssl_cert_file="$SERVER_CERTIFICATE" -c ssl_key_file="$SERVER_KEY")
        export BOOKSTORE_TEST_POSTGRES_CERTIFICATE=$SERVER_CERTIFICATE
    fi
    # SIGINT is a fast shutdown; SIGTERM would wait for the clients to leave. No Unix socket: a
    # folder's path can be longer than a socket's may be.
    start_server PostgreSQL postgres INT postgres_is_ready \
        "$programs/postgres" -D "$SERVER_FOLDER/data" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=600 \
        -c fsync=on -c synchronous_commit=on "${tls[@]}" "$@"
    # It trusts everybody; the password is there for the tests to look for it in every log.
    export BOOKSTORE_TEST_POSTGRES_URL="postgres://postgres:in-no-log@127.0.0.1:$SERVER_PORT/postgres"
}

# The word of the server in this very folder: no stranger on the port can be taken for it.
postgres_is_ready() {
    [[ $(sed -n 8p "$SERVER_FOLDER/data/postmaster.pid" 2>/dev/null) == ready* ]]
}

# The folder of PostgreSQL's programs, the newest version first. Debian keeps them off the PATH.
postgres_programs() {
    local folders folder on_path
    mapfile -t folders < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse)
    on_path=$(type -P initdb) && folders+=("$(dirname -- "$on_path")")
    for folder in "${folders[@]}"; do
        if [[ -x $folder/initdb && -x $folder/postgres ]]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

start_mariadb() {
    local server install tls=()
    { server=$(mariadb_program mariadbd) && install=$(mariadb_program mariadb-install-db); } ||
        fail_to_start MariaDB "its programs are not installed"
    new_server_folder mysql
    mount_server_disk mysql
    # `normal`: root has an empty password over TCP, instead of a login by Unix socket.
    as_user mysql "$install" --no-defaults --datadir="$SERVER_FOLDER/data" --skip-test-db \
        --auth-root-authentication-method=normal \
        >"$SERVER_FOLDER/install.log" 2>&1 </dev/null ||
        fail_to_start MariaDB "mariadb-install-db failed" "$SERVER_FOLDER/install.log"
    if [[ -n ${SERVERS_SPEAK_TLS-} ]]; then
        make_certificate MariaDB mysql IP:127.0.0.1
        tls=(--ssl-cert="$SERVER_CERTIFICATE" --ssl-key="$SERVER_KEY")
        export BOOKSTORE_TEST_MYSQL_CERTIFICATE=$SERVER_CERTIFICATE
    fi
    start_server MariaDB mysql TERM mariadb_is_ready \
        "$server" --no-defaults --datadir="$SERVER_FOLDER/data" \
        --socket="$SERVER_FOLDER/socket" --pid-file="$SERVER_FOLDER/pid" \
        --bind-address=127.0.0.1 --skip-name-resolve --max-connections=600 \
        --character-set-server=utf8mb4 --innodb-flush-log-at-trx-commit=1 "${tls[@]}" "$@"
    export BOOKSTORE_TEST_MYSQL_URL="mysql://root@127.0.0.1:$SERVER_PORT/mysql"
}

mariadb_is_ready() {
    grep -qs 'ready for connections' "$SERVER_FOLDER/server.log"
}

mariadb_program() {
    PATH="$PATH:/usr/sbin:/usr/local/sbin" type -P "$1"
}

# make_certificate NAME USER HOST: a key of USER's and a certificate for HOST in SERVER_FOLDER, for no
# other name, so that a test can go by one that is wrong. (MariaDB's library takes `localhost` for a
# Unix socket.)
make_certificate() {
    SERVER_CERTIFICATE=$SERVER_FOLDER/certificate.pem
    SERVER_KEY=$SERVER_FOLDER/key.pem
    as_user "$2" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj '/CN=a throw-away server' -addext subjectAltName="$3" \
        -keyout "$SERVER_KEY" -out "$SERVER_CERTIFICATE" \
        >"$SERVER_FOLDER/openssl.log" 2>&1 </dev/null ||
        fail_to_start "$1" "openssl made no certificate" "$SERVER_FOLDER/openssl.log"
}

# new_server_folder USER: a folder of USER's (of ours, unless we are root), in SERVER_FOLDER.
new_server_folder() {
    ((${#SERVER_FOLDERS[@]} > 0)) || at_exit stop_servers
    SERVER_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/bookstore-$1.XXXXXX")
    SERVER_FOLDERS+=("$SERVER_FOLDER")
    ((EUID != 0)) || chown "$1:" "$SERVER_FOLDER"
}

# mount_server_disk USER: USER's disk in the newest server folder, if one was asked for.
mount_server_disk() {
    [[ -n ${SERVER_DISK_SIZE-} ]] || return 0
    mkdir -- "$SERVER_FOLDER/data"
    mount -t tmpfs -o size="$SERVER_DISK_SIZE,mode=700,uid=$1,gid=$1" tmpfs "$SERVER_FOLDER/data"
    SERVER_DISKS+=("$SERVER_FOLDER/data")
}

# as_user USER COMMAND [ARG...]: COMMAND as USER if we are root (PostgreSQL refuses root), else as
# ourselves. USER may enter neither the folder we are in nor our folder for temporary files.
as_user() {
    local user=$1
    shift
    if ((EUID == 0)); then
        set -- setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
    fi
    env --chdir=/ TMPDIR="$SERVER_FOLDER" "$@"
}

# start_server NAME USER STOP_SIGNAL READY COMMAND [ARG...]: COMMAND on a free port, until READY
# says yes.
start_server() {
    local name=$1 user=$2 signal=$3 ready=$4 as=() attempt pid
    shift 4
    ((EUID != 0)) || as=(--reuid="$user" --regid="$user" --init-groups)
    # A port that is free now may be taken a moment later; the server then ends, and we go on to
    # another port.
    for attempt in {1..5}; do
        pick_port
        # A session of its own: Ctrl-C is for the script, which stops its servers in order. Should
        # the script be killed so that no trap runs, the kernel sends them STOP_SIGNAL.
        setsid -- setpriv "${as[@]}" --pdeathsig "$signal" -- \
            env --chdir=/ TMPDIR="$SERVER_FOLDER" "$@" --port="$SERVER_PORT" \
            >"$SERVER_FOLDER/server.log" 2>&1 </dev/null &
        pid=$!
        SERVER_PIDS+=("$pid")
        SERVER_SIGNALS+=("$signal")
        wait_until "$SERVER_PATIENCE" ready_or_gone "$ready" "$pid" ||
            fail_to_start "$name" "not ready after $SERVER_PATIENCE s" "$SERVER_FOLDER/server.log"
        if kill -0 "$pid" 2>/dev/null; then
            SERVER_COMMAND=(setsid -- setpriv "${as[@]}" -- env --chdir=/ TMPDIR="$SERVER_FOLDER"
                "$@" --port="$SERVER_PORT")
            say "$name listens on 127.0.0.1:$SERVER_PORT (pid $pid, $SERVER_FOLDER)"
            return
        fi
        unset 'SERVER_PIDS[-1]' 'SERVER_SIGNALS[-1]'
        grep -qi 'address already in use' "$SERVER_FOLDER/server.log" || break
    done
    fail_to_start "$name" "it ended at once (attempt $attempt)" "$SERVER_FOLDER/server.log"
}

ready_or_gone() {
    "$1" || ! kill -0 "$2" 2>/dev/null
}

# A port on which nobody listens, in SERVER_PORT; below the range that outgoing connections use.
pick_port() {
    while SERVER_PORT=$((20000 + RANDOM % 12000)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$SERVER_PORT") 2>/dev/null || return 0
    done
}

# fail_to_start NAME WHY [LOG]
fail_to_start() {
    say "$1 did not start: $2."
    [[ -z ${3-} ]] || tail -n 60 -- "$3" | sed 's/^/    /' >&2
    exit 2
}

stop_servers() {
    local i
    for i in "${!SERVER_PIDS[@]}"; do
        kill "-${SERVER_SIGNALS[i]}" "${SERVER_PIDS[i]}" 2>/dev/null || true
    done
    for i in "${!SERVER_PIDS[@]}"; do
        if ! wait_until "$SERVER_PATIENCE" not kill -0 "${SERVER_PIDS[i]}" 2>/dev/null; then
            say "server ${SERVER_PIDS[i]} does not stop: killed"
            kill -KILL "${SERVER_PIDS[i]}" 2>/dev/null || true
        fi
    done
    SERVER_PIDS=()
    SERVER_SIGNALS=()
    # Lazily: whoever came after a crash may be on it for a moment yet.
    ((${#SERVER_DISKS[@]} == 0)) || umount --lazy -- "${SERVER_DISKS[@]}"
    SERVER_DISKS=()
    if [[ ${BOOKSTORE_TEST_KEEP-} == 1 ]]; then
        ((${#SERVER_FOLDERS[@]} == 0)) || say "Kept for a look:" "${SERVER_FOLDERS[@]}"
    else
        rm -rf -- "${SERVER_FOLDERS[@]}"
    fi
    SERVER_FOLDERS=()
}
