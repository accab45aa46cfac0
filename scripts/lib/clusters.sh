# shellcheck shell=bash
# Databases that are more than one server, on machines (machines.sh): PostgreSQL with a synchronous
# standby and pg_auto_failover, MariaDB with Galera, and pgbouncer. Sourced, after servers.sh, packages.sh
# and machines.sh.

readonly FAILOVER_NODES=(1 2) MONITOR=3 GALERA_NODES=(1 2 3)

missing_cluster_packages() {
    type -P ip >/dev/null || echo iproute2
    type -P unshare >/dev/null || echo util-linux
    type -P pg_autoctl >/dev/null || echo pg-auto-failover-cli
    compgen -G '/usr/lib/postgresql/*/lib/pgautofailover.so' >/dev/null ||
        echo postgresql-15-auto-failover
    PATH="$PATH:/usr/sbin" type -P pgbouncer >/dev/null || echo pgbouncer
    [[ -e /usr/lib/galera/libgalera_smm.so ]] || echo galera-4
    type -P rsync >/dev/null || echo rsync
    type -P lsof >/dev/null || echo lsof
}

# --- PostgreSQL ---------------------------------------------------------------------------------------

# postgres_on N COMMAND...: with its own socket and its own folders, and PostgreSQL's programs.
postgres_on() {
    local n=$1 home=$MACHINES/$1
    shift
    on_machine "$n" postgres XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/share" \
        XDG_RUNTIME_DIR="$home/run" PGHOST="$home" PG_REGRESS_SOCK_DIR="$home" \
        PATH="$POSTGRES:$PATH" "$@"
}

start_failover() {
    local n
    POSTGRES=$(postgres_programs)
    new_machines 3
    for n in "$MONITOR" "${FAILOVER_NODES[@]}"; do
        mkdir -- "$MACHINES/$n"/{config,share,run}
        chown -R postgres: "$MACHINES/$n"
        {
            declare -p POSTGRES MACHINES
            declare -f on_machine postgres_on
            echo "postgres_on $n setsid pg_autoctl run --pgdata $MACHINES/$n/data" \
                ">>$MACHINES/$n/log 2>&1 </dev/null &"
        } | may_start "$n"
    done
    create_autoctl "$MONITOR" monitor
    allow_subnet "$MONITOR"
    # Ten times as fast as they come: a machine here is lost every half a minute.
    cat >>"$MACHINES/$MONITOR/data/postgresql.conf" <<'CONF'
pgautofailover.health_check_period = 1000
pgautofailover.health_check_timeout = 1000
pgautofailover.health_check_max_retries = 1
pgautofailover.health_check_retry_delay = 500
pgautofailover.node_considered_unhealthy_timeout = 4000
pgautofailover.primary_demote_timeout = 8000
CONF
    "$MACHINES/$MONITOR/start"
    for n in "${FAILOVER_NODES[@]}"; do
        create_autoctl "$n" postgres --name "node$n" --dbname bookstore \
            --monitor "postgres://autoctl_node@$SUBNET.$MONITOR:5432/pg_auto_failover"
        postgres_on "$n" pg_autoctl config set timeout.network_partition_timeout 8 \
            --pgdata "$MACHINES/$n/data" >>"$MACHINES/$n/create.log" 2>&1
        # The standby gets it with its copy.
        ((n > 1)) || allow_subnet "$n"
        "$MACHINES/$n/start"
    done
    wait_until 60 has_secondary || fail_on_machine 2 "it is no standby" "$MACHINES/2/log"
    export BOOKSTORE_TEST_POSTGRES_URL="postgres://postgres@$SUBNET.1:5432/postgres"
}

# create_autoctl N KIND [FLAG...]
create_autoctl() {
    local n=$1 kind=$2
    shift 2
    postgres_on "$n" pg_autoctl create "$kind" --pgdata "$MACHINES/$n/data" --pgport 5432 \
        --hostname "$SUBNET.$n" --auth trust --no-ssl "$@" >"$MACHINES/$n/create.log" 2>&1 ||
        fail_on_machine "$n" "pg_autoctl made nothing" "$MACHINES/$n/create.log"
}

allow_subnet() {
    echo "host all all $SUBNET.0/24 trust" >>"$MACHINES/$1/data/pg_hba.conf"
}

has_secondary() {
    postgres_on "$MONITOR" pg_autoctl show state --pgdata "$MACHINES/$MONITOR/data" 2>/dev/null |
        grep -q 'secondary |.* secondary'
}

# --- MariaDB ------------------------------------------------------------------------------------------

start_galera() {
    local n install server
    server=$(mariadb_program mariadbd) && install=$(mariadb_program mariadb-install-db)
    new_machines 3
    for n in "${GALERA_NODES[@]}"; do
        mkdir -- "$MACHINES/$n/data"
        chown -R mysql: "$MACHINES/$n"
        # As Debian's service does: a node that crashed tells how far it came, and gets only the rest.
        {
            declare -p MACHINES
            declare -f on_machine
            cat <<START
at=
if [[ \${1-} != first ]]; then
    on_machine $n mysql $(galera_command "$server" "$n") --wsrep-recover \
        --log-error=$MACHINES/$n/recover.log >/dev/null 2>&1 || true
    at=\$(sed -n 's/.*Recovered position:* *//p' $MACHINES/$n/recover.log | tail -n 1)
    rm -f $MACHINES/$n/recover.log
fi
on_machine $n mysql setsid $(galera_command "$server" "$n") \
    \${at:+--wsrep-start-position="\$at"} \${2-} >>$MACHINES/$n/log 2>&1 </dev/null &
START
        } | may_start "$n"
    done
    on_machine 1 mysql "$install" --no-defaults --datadir="$MACHINES/1/data" --skip-test-db \
        --auth-root-authentication-method=normal >"$MACHINES/1/install.log" 2>&1 ||
        fail_on_machine 1 "mariadb-install-db failed" "$MACHINES/1/install.log"
    "$MACHINES/1/start" first --wsrep-new-cluster
    wait_until 60 on_galera 1 'SELECT 1' >/dev/null || fail_on_machine 1 "it does not start" "$MACHINES/1/log"
    on_galera 1 "CREATE USER root@'$SUBNET.%'; GRANT ALL ON *.* TO root@'$SUBNET.%' WITH GRANT OPTION"
    for n in "${GALERA_NODES[@]:1}"; do
        "$MACHINES/$n/start" first
        wait_until 120 is_synced "$n" || fail_on_machine "$n" "it does not join" "$MACHINES/$n/log"
    done
    export BOOKSTORE_TEST_MYSQL_URL="mysql://root@$SUBNET.1:3306/mysql"
}

# galera_command SERVER N: a lost node is noticed within two seconds, not five.
galera_command() {
    local n=$2 members=${GALERA_NODES[*]/#/$SUBNET.}
    printf '%s ' "$1" --no-defaults --datadir="$MACHINES/$n/data" --socket="$MACHINES/$n/socket" \
        --pid-file="$MACHINES/$n/pid" --port=3306 --bind-address=0.0.0.0 --skip-name-resolve \
        --character-set-server=utf8mb4 --innodb-flush-log-at-trx-commit=1 \
        --innodb-autoinc-lock-mode=2 --binlog-format=ROW --innodb-buffer-pool-size=256M \
        --wsrep-on=ON --wsrep-provider=/usr/lib/galera/libgalera_smm.so \
        --wsrep-cluster-name=bookstore --wsrep-cluster-address="gcomm://${members// /,}" \
        --wsrep-node-address="$SUBNET.$n" --wsrep-node-name="machine$n" --wsrep-sst-method=rsync \
        --wsrep-slave-threads=2
    printf '%s' "--wsrep-provider-options='gcache.size=256M;evs.keepalive_period=PT0.5S;" \
        "evs.inactive_check_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S'"
}

on_galera() {
    local n=$1
    shift
    mariadb --no-defaults --socket="$MACHINES/$n/socket" --user=root --skip-column-names \
        --execute="$*" mysql 2>/dev/null
}

is_synced() {
    [[ $(on_galera "$1" "SHOW STATUS LIKE 'wsrep_local_state_comment'") == *Synced ]]
}

# --- pgbouncer ----------------------------------------------------------------------------------------

# Before a PostgreSQL that is already there, on the first machine, one port for each mode.
start_poolers() {
    local mode port=6432 home
    new_machines 1
    home=$MACHINES/1
    chown -R postgres: "$home"
    POSTGRES=$(postgres_programs)
    postgres_on 1 initdb --pgdata="$home/data" --no-sync --username=postgres --auth=trust \
        --encoding=UTF8 --locale=C.UTF-8 >"$home/create.log" 2>&1 ||
        fail_on_machine 1 "initdb failed" "$home/create.log"
    allow_subnet 1
    postgres_on 1 setsid postgres -D "$home/data" -k "$home" -h '*' >"$home/log" 2>&1 </dev/null &
    wait_until 60 postgres_on 1 psql --username=postgres --command='SELECT 1' >/dev/null 2>&1 ||
        fail_on_machine 1 "PostgreSQL does not start" "$home/log"
    for mode in session transaction statement; do
        cat >"$home/$mode.ini" <<CONF
[databases]
* = host=127.0.0.1 port=5432 user=postgres
[pgbouncer]
listen_addr = $SUBNET.1
listen_port = $port
unix_socket_dir =
auth_type = any
pool_mode = $mode
CONF
        PATH="$PATH:/usr/sbin" postgres_on 1 setsid pgbouncer "$home/$mode.ini" \
            >"$home/$mode.log" 2>&1 </dev/null &
        wait_until 10 listens "$SUBNET.1" "$port" ||
            fail_on_machine 1 "pgbouncer does not start" "$home/$mode.log"
        port=$((port + 1))
    done
    export BOOKSTORE_TEST_POSTGRES_URL="postgres://postgres@$SUBNET.1:5432/postgres"
}

listens() {
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}
