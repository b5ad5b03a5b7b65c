#!/usr/bin/env bash
# Tries what a user installs: the image's steps in a bare Debian, the program started there as its user, the unit, the proxies.
# Exit code 69: this machine cannot make a bare Debian.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then exit 69; fi
export DEBIAN_FRONTEND=noninteractive
for program in debootstrap; do
  command -v "$program" >/dev/null && continue
  { apt-get update && apt-get install -y --no-install-recommends "$program"; } >/dev/null 2>&1 || exit 69
done

folder=$(mktemp -d)
root=$folder/root
pid=
cleanup() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  for mount in dev proc; do umount --lazy "$root/$mount" 2>/dev/null || true; done
  rm -rf --one-file-system "$folder"
}
trap cleanup EXIT
trap 'exit 143' INT TERM

debootstrap --variant=minbase trixie "$root" >"$folder/log" 2>&1 || { tail -n 5 "$folder/log"; exit 69; }
mount -t proc proc "$root/proc" || exit 69
mount --bind /dev "$root/dev"
# As a container engine does: names are looked up, and certificates trusted, as on this machine.
cp /etc/resolv.conf "$root/etc/resolv.conf"
inside=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
  install -D "$NODE_EXTRA_CA_CERTS" "$root/etc/longwave-ci/ca.crt"
  inside+=(NODE_EXTRA_CA_CERTS=/etc/longwave-ci/ca.crt)
fi

failed() {
  echo "FAILED: $1"
  exit 1
}

# 1. The Dockerfile's steps, in its order.
mkdir "$root/source"
git ls-files -z | xargs -0 cp --parents -t "$root/source"
for step in "build /source" "run-packages" "user"; do
  grep -qF "image.sh $step" Dockerfile || failed "the Dockerfile does not run 'image.sh $step'"
  # shellcheck disable=SC2086
  chroot "$root" "${inside[@]}" /bin/sh /source/packaging/image.sh $step >"$folder/log" 2>&1 ||
    { tail -n 20 "$folder/log"; failed "image.sh $step"; }
done
rm -rf "$root/source"

# 2. The program as the image starts it: not as root, on a folder of its own.
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
as_user=(chroot --userspec=longwave:longwave "$root" "${inside[@]}" PORT="$port" LONGWAVE_SIMULATOR_HTTP_PORT=0
  LONGWAVE_DATA_DIR=/var/lib/longwave-data)
"${as_user[@]}" longwave serve >"$folder/serve.log" 2>&1 &
pid=$!
for _ in $(seq 120); do
  if "${as_user[@]}" longwave health >/dev/null 2>&1; then break; fi
  kill -0 "$pid" 2>/dev/null || break
  sleep 1
done
"${as_user[@]}" longwave health || { cat "$folder/serve.log"; failed "the health check"; }
said=$("${as_user[@]}" longwave send +12025550123 "Hello" --from +15005550100 --follow) || failed "a first text: $said"
grep -q delivered <<<"$said" || failed "the first text was not delivered: $said"
[ ! -e "$root/opt/longwave/node_modules/typescript" ] || failed "the image holds what only development needs"
kill "$pid"
wait "$pid" || failed "it did not stop cleanly: $(tail -n 3 "$folder/serve.log")"
pid=
echo "image: built, started as longwave, a text delivered, stopped; $(du -sm "$root/opt/longwave" | cut -f1) MB in /opt/longwave"

# 3. The unit and the proxies' files, by their own programs where these are at hand.
checked=()
if command -v systemd-analyze >/dev/null; then
  mkdir -p "$folder/unit"
  sed "s#^ExecStart=[^ ]*#ExecStart=$(command -v true)#; s#^\(User\|Group\)=.*#\1=daemon#" \
    packaging/longwave.service > "$folder/unit/longwave.service"
  said=$(systemd-analyze verify "$folder/unit/longwave.service" 2>&1) || failed "the unit: $said"
  [ -z "$said" ] || failed "the unit: $said"
  checked+=("unit")
fi
if command -v nginx >/dev/null && command -v openssl >/dev/null; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=sms.example.com \
    -keyout "$folder/privkey.pem" -out "$folder/fullchain.pem" 2>/dev/null
  sed "s#/etc/letsencrypt/live/sms.example.com#$folder#" packaging/nginx.conf > "$folder/longwave.conf"
  echo "events {} http { access_log off; include $folder/longwave.conf; }" > "$folder/nginx.conf"
  said=$(nginx -t -q -g "pid $folder/nginx.pid; error_log stderr;" -c "$folder/nginx.conf" 2>&1) || failed "nginx.conf: $said"
  checked+=("nginx.conf")
fi
if command -v caddy >/dev/null; then
  said=$(XDG_DATA_HOME=$folder XDG_CONFIG_HOME=$folder LONGWAVE_HOST_NAME=sms.example.com \
    caddy validate --adapter caddyfile --config packaging/Caddyfile 2>&1) || failed "Caddyfile: $said"
  checked+=("Caddyfile")
fi
if command -v docker-compose >/dev/null; then
  said=$(POSTGRES_PASSWORD=a LONGWAVE_SECRET_KEY=b LONGWAVE_HOST_NAME=c \
    docker-compose -f packaging/compose.yaml config 2>&1) || failed "compose.yaml: $said"
  checked+=("compose.yaml")
fi
for name in POSTGRES_PASSWORD LONGWAVE_SECRET_KEY LONGWAVE_HOST_NAME; do
  grep -q "$name" docs/install.md || failed "docs/install.md does not name $name"
done
echo "checked by their own programs: ${checked[*]:-none of theirs is here}"
