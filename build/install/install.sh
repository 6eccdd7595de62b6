#!/bin/sh
# Makes this machine an edge node of a StreamHub cluster (version @VERSION@).
#
#   { echo STREAMHUB_JOIN_CODE=CODE; curl -fsSL <daemon>/install.sh; } | sudo sh -s -- --join --master-url URL
#   curl -fsSL <daemon>/install.sh | sudo sh -s -- --uninstall
#   … --dry-run says what would be done; --help lists all flags.
#
# It downloads Node 24 if there is none, downloads the agent from the daemon, verifies its checksum, and starts it.
# It runs in any POSIX shell, BusyBox included.
set -eu

AGENT_SHA256=@AGENT_SHA256@
NODE_VERSION=@NODE_VERSION@
NODE_SHA512_X64=@NODE_SHA512_X64@
NODE_SHA512_ARM64=@NODE_SHA512_ARM64@
REGISTRY=${STREAMHUB_NPM_REGISTRY:-https://registry.npmjs.org}

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

# --- what was asked for ------------------------------------------------------

MASTER_URL=${STREAMHUB_MASTER_URL:-${STREAMHUB_ORIGIN_URL:-}}
MASTER_IP=${STREAMHUB_MASTER_IP:-${STREAMHUB_ORIGIN_IP:-}}
PREFIX=${STREAMHUB_EDGE_DIR:-/opt/streamhub-edge}
# kept from the environment of the programs that this script starts, except the agent
JOIN_CODE=${STREAMHUB_JOIN_CODE:-}
MASTER_TOKEN=${STREAMHUB_MASTER_TOKEN:-${STREAMHUB_CLUSTER_TOKEN:-}}
unset STREAMHUB_JOIN_CODE STREAMHUB_MASTER_TOKEN STREAMHUB_CLUSTER_TOKEN
CA=${STREAMHUB_CA:-}
ACTION=install
DRY_RUN=
HELP=

# --- downloads ---------------------------------------------------------------

# Downloads URL to FILE. A certificate that the system does not trust is checked against --ca.
fetch() { # FILE URL
  if [ -n "$CA" ]; then
    curl -fsSL --retry 3 -o "$1" "$2" 2>/dev/null || curl -fsSL --retry 3 --cacert "$CA" -o "$1" "$2"
  else
    curl -fsSL --retry 3 -o "$1" "$2"
  fi
}

# Why a download failed, from curl's exit code.
reason() { # CODE
  case $1 in
    60 | 77) printf 'its certificate is not trusted here: add the authority to the system, or pass it with --ca FILE' ;;
    5 | 97) printf 'the proxy in HTTPS_PROXY or --proxy does not answer' ;;
    6) printf 'its host name is unknown' ;;
    7) printf 'nothing answers there' ;;
    22) printf 'it answers with an error' ;;
    *) printf 'curl error %s' "$1" ;;
  esac
}

# Prints the checksum of FILE, from the first tool that gives one: a small system can name an applet that it lacks.
checksum() { # 256|512 FILE
  local tool sum
  for tool in "sha${1}sum" "busybox sha${1}sum" "openssl dgst -sha$1 -r" "shasum -a $1"; do
    # unquoted: the tool and its arguments
    sum=$($tool <"$2" 2>/dev/null) || continue
    sum=${sum%% *}
    case $sum in
      *[!0-9a-f]*) ;;
      *) if [ "${#sum}" -eq $(($1 / 4)) ]; then printf '%s\n' "$sum"; return 0; fi ;;
    esac
  done
}

verify() { # 256|512 FILE SUM NAME
  local sum
  sum=$(checksum "$1" "$2")
  [ -n "$sum" ] || die "this machine has no tool for SHA-$1 checksums; install coreutils or openssl"
  [ "$sum" = "$3" ] || die "$4 is not the one it should be (checksum); nothing was installed"
}

# --- Node --------------------------------------------------------------------

is_recent() { # FILE
  [ -x "$1" ] && [ "$("$1" -p 'Number(process.versions.node.split(".")[0]) >= 24' 2>/dev/null)" = true ]
}

# Sets NODE.
find_node() {
  local candidate
  for candidate in "$(command -v node || true)" "$PREFIX/node/bin/node"; do
    if [ -n "$candidate" ] && is_recent "$candidate"; then
      NODE=$candidate
      return 0
    fi
  done
  return 1
}

# Node's own builds need glibc. A glibc system can have musl beside it, so what ldd says counts first.
is_musl() {
  case $(ldd --version 2>&1 || true) in
    *musl*) return 0 ;;
    *GLIBC* | *GNU*) return 1 ;;
  esac
  local loader
  for loader in /lib/ld-linux* /lib64/ld-linux*; do
    [ ! -e "$loader" ] || return 1
  done
  for loader in /lib/ld-musl-*; do
    [ ! -e "$loader" ] || return 0
  done
  return 1
}

fetch_node() {
  local arch sum url
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) arch=x64 sum=$NODE_SHA512_X64 ;;
    Linux-aarch64 | Linux-arm64) arch=arm64 sum=$NODE_SHA512_ARM64 ;;
    *) die "Node 24 is needed, and there is no download for $(uname -s) on $(uname -m); install it and run this again" ;;
  esac
  if is_musl; then
    die "this system uses musl (Alpine), and Node's builds for download need glibc; install Node 24 (apk add nodejs) and run this again"
  fi
  url=$REGISTRY/node-linux-$arch/-/node-linux-$arch-$NODE_VERSION.tgz
  if [ -n "$DRY_RUN" ]; then
    say "would fetch Node $NODE_VERSION from $url into $PREFIX/node; the next steps are listed once Node is there"
    exit 0
  fi
  say "fetching Node $NODE_VERSION from $url"
  fetch "$TMP/node.tgz" "$url" || die "Node cannot be fetched from $url: $(reason $?). Or install Node 24 and run this again"
  verify 512 "$TMP/node.tgz" "$sum" "$url"
  rm -rf "$PREFIX/node"
  mkdir -p "$PREFIX/node"
  tar -xzf "$TMP/node.tgz" -C "$PREFIX/node" --strip-components=1
  NODE=$PREFIX/node/bin/node
  is_recent "$NODE" ||
    die "the downloaded Node does not run on this machine (an old glibc?); install Node 24 and run this again"
}

# --- the agent ---------------------------------------------------------------

fetch_agent() {
  local base=${MASTER_URL%/}
  if [ -z "$base" ]; then
    case $MASTER_IP in
      '' | *'<'*) die '--master-url is missing: where the daemon answers' ;;
      *) base=http://$MASTER_IP:3020 ;;
    esac
  fi
  fetch "$TMP/streamhub-edge.mjs" "$base/install/$AGENT_SHA256/streamhub-edge.mjs" ||
    die "the agent cannot be fetched from $base: $(reason $?) (was the daemon updated? then fetch install.sh again)"
  verify 256 "$TMP/streamhub-edge.mjs" "$AGENT_SHA256" 'the downloaded agent'
  AGENT=$TMP/streamhub-edge.mjs
}

main() {
  # each argument is taken from the front; those for the agent are put back at the end
  left=$#
  while [ "$left" -gt 0 ]; do
    flag=$1
    shift
    left=$((left - 1))
    case $flag in
      --join-code | --master-token | --cluster-token | --master-url | --origin-url | --master-ip | --origin-ip | --prefix | --ca | --proxy | --no-proxy)
        [ "$left" -ge 1 ] || die "$flag needs a value"
        value=$1
        shift
        left=$((left - 1))
        case $flag in
          --join-code) JOIN_CODE=$value; continue ;;
          --master-token | --cluster-token) MASTER_TOKEN=$value; continue ;;
          --master-url | --origin-url) MASTER_URL=$value ;;
          --master-ip | --origin-ip) MASTER_IP=$value ;;
          --prefix) PREFIX=$value ;;
          --ca) CA=$value ;;
          # sudo drops these variables
          --proxy) export HTTPS_PROXY="$value" https_proxy="$value" HTTP_PROXY="$value" http_proxy="$value" ;;
          --no-proxy) export NO_PROXY="$value" no_proxy="$value" ;;
        esac
        set -- "$@" "$flag" "$value"
        continue
        ;;
      --uninstall) ACTION=uninstall; continue ;;
      --join) continue ;;
      --help | -h) HELP=1; continue ;;
      --dry-run) DRY_RUN=1 ;;
    esac
    set -- "$@" "$flag"
  done
  [ -z "$CA" ] || [ -r "$CA" ] || die "--ca $CA cannot be read"
  [ "$(uname -s)" = Linux ] || die 'edge nodes run on Linux'
  command -v curl >/dev/null || die 'curl is needed'
  command -v tar >/dev/null || die 'tar is needed'
  TMP=$(mktemp -d)
  trap 'rm -rf "$TMP"' EXIT
  if [ "$ACTION" = uninstall ]; then
    AGENT=$PREFIX/bin/streamhub-edge.mjs
    [ -e "$AGENT" ] || { say "no node is installed in $PREFIX"; exit 0; }
    find_node || die 'Node 24 is needed to uninstall'
    # from a copy: it removes its own place
    cp "$AGENT" "$TMP/streamhub-edge.mjs"
    set -- --prefix "$PREFIX" ${DRY_RUN:+--dry-run}
    AGENT=$TMP/streamhub-edge.mjs
  else
    find_node || fetch_node
    fetch_agent
    [ -z "$HELP" ] || set -- --help
  fi
  # the code is handed over in the environment, which only root can read; the agent drops it
  STREAMHUB_JOIN_CODE=$JOIN_CODE STREAMHUB_MASTER_TOKEN=$MASTER_TOKEN "$NODE" "$AGENT" "$ACTION" "$@" </dev/null
}

# the whole script is read before any of it runs
main "$@"
