#!/usr/bin/env bash
# Runs a command with Debian's PostgreSQL 15 beside it: `direct`, which takes TLS alone, or, in transaction mode, through
# `pgbouncer`.
# Exit code 69: this machine cannot have them.
set -euo pipefail
mode=$1
shift
programs=/usr/lib/postgresql/15/bin
if ! [ -x "$programs/postgres" ] || ! command -v pgbouncer >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then exit 69; fi
  export DEBIAN_FRONTEND=noninteractive
  mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/longwave.conf
  { apt-get update && apt-get install -y --no-install-recommends postgresql-15 pgbouncer; } >/dev/null 2>&1 || exit 69
fi

as_user=()
if [ "$(id -u)" = 0 ]; then as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi
folder=$(mktemp -d)
chmod 755 "$folder"
if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
free_port() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }
port=$(free_port)
pooled=$(free_port)
cleanup() {
  if [ -n "${bouncer:-}" ]; then kill "$bouncer" 2>/dev/null || true; fi
  "${as_user[@]}" "$programs/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 143' INT TERM

cd /
"${as_user[@]}" "$programs/initdb" -D "$folder/data" -U longwave -A trust -E UTF8 --locale=C >/dev/null
options="-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=400"
if [ "$mode" = direct ]; then
  "${as_user[@]}" openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -keyout "$folder/data/server.key" -out "$folder/data/server.crt" 2>/dev/null
  "${as_user[@]}" sed -i 's/^host /hostssl /' "$folder/data/pg_hba.conf"
  options="$options -c ssl=on"
fi
"${as_user[@]}" "$programs/pg_ctl" -D "$folder/data" -l "$folder/log" -w start \
  -o "$options" >/dev/null
cd - >/dev/null

direct="postgres://longwave@127.0.0.1:$port/postgres"
if [ "$mode" = direct ]; then
  LONGWAVE_TEST_DATABASE_URL="$direct?sslmode=require" "$@"
else
  cat > "$folder/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooled
unix_socket_dir =
auth_type = any
auth_file = $folder/users
pool_mode = transaction
default_pool_size = 8
# Each test file has a database of its own: what it leaves must not stay connected.
server_idle_timeout = 5
max_client_conn = 500
logfile = $folder/pgbouncer.log
ignore_startup_parameters = extra_float_digits
INI
  echo '"longwave" ""' > "$folder/users"
  sed -i 's/^\* = /* = user=longwave /' "$folder/pgbouncer.ini"
  "${as_user[@]}" pgbouncer "$folder/pgbouncer.ini" >/dev/null 2>&1 &
  bouncer=$!
  LONGWAVE_TEST_DATABASE_URL="postgres://longwave@127.0.0.1:$pooled/postgres" LONGWAVE_TEST_DIRECT_URL=$direct "$@"
fi
