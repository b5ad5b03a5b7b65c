#!/bin/sh
# The steps of Longwave's image on a plain Debian 13, as root. The Dockerfile runs them, and .ci/run does in a bare root.
#   image.sh build SOURCE   compiles a copy of the sources, which it uses up, and leaves what runs in /opt/longwave
#   image.sh run-packages   what a system needs to run /opt/longwave
#   image.sh user           the user it runs as, and its data folder
set -eu
home=/opt/longwave
data=/var/lib/longwave-data
export DEBIAN_FRONTEND=noninteractive

packages() {
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends ca-certificates "$@" >/dev/null
  rm -rf /var/lib/apt/lists/*
}

case "${1:-}" in
  build)
    packages nodejs npm
    cd "$2"
    npm ci --no-audit --no-fund
    for part in server sdk; do
      rm -rf "$part/dist"
      node_modules/.bin/tsc -p "$part/tsconfig.build.json"
    done
    # Not pruned: npm leaves parts of what it prunes.
    npm ci --omit=dev --prefer-offline --no-audit --no-fund
    # start.js installs and builds where this stamp is not the lock's: never in an image.
    sha256sum package-lock.json | cut -d ' ' -f 1 | tr -d '\n' > node_modules/.longwave-installed
    for part in server sdk console; do rm -rf "$part/src" "$part/test"; done
    # Beside it and moved in whole: an upgrade leaves nothing of the version before.
    rm -rf "$home.new"
    mkdir -p "$home.new/scripts"
    cp -a longwave LICENSE package.json package-lock.json node_modules server sdk console "$home.new/"
    cp -a scripts/start.js scripts/install.js "$home.new/scripts/"
    rm -rf "$home"
    mv "$home.new" "$home"
    ;;
  run-packages)
    packages nodejs
    ;;
  user)
    groupadd --system --gid 990 longwave
    useradd --system --uid 990 --gid 990 --home-dir "$data" --shell /usr/sbin/nologin longwave
    install -d -o longwave -g longwave -m 700 "$data"
    ln -sf "$home/longwave" /usr/local/bin/longwave
    ;;
  *)
    echo "image.sh: build SOURCE, run-packages or user" >&2
    exit 2
    ;;
esac
