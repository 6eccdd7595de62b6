#!/usr/bin/env bash
# Makes this machine an edge node of a StreamHub cluster (version @VERSION@).
#
#   curl -fsSL <daemon>/install.sh | sudo bash -s -- --join --master-token TOKEN --master-url URL
#   curl -fsSL <daemon>/install.sh | sudo bash -s -- --uninstall
#   … --dry-run says what would be done; --help lists all flags.
#
# It brings Node 24 where there is none, fetches the agent from the daemon, tests its checksum, and hands over to it.
set -euo pipefail

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
ACTION=install
DRY_RUN=
HELP=
PASS=()

read_flags() {
  while [ $# -gt 0 ]; do
    case $1 in
      --master-token | --cluster-token | --master-url | --origin-url | --master-ip | --origin-ip | --prefix)
        [ $# -ge 2 ] || die "$1 needs a value"
        ;;&
      # in a variable, so that no process list shows it
      --master-token | --cluster-token) export STREAMHUB_MASTER_TOKEN=$2; shift 2; continue ;;
      --master-url | --origin-url) MASTER_URL=$2 ;;
      --master-ip | --origin-ip) MASTER_IP=$2 ;;
      --prefix) PREFIX=$2 ;;
      --uninstall) ACTION=uninstall; shift; continue ;;
      --dry-run) DRY_RUN=1 ;;
      --join) shift; continue ;;
      --help | -h) HELP=1; shift; continue ;;
    esac
    PASS+=("$1")
    shift
  done
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

fetch_node() {
  local arch sum url
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) arch=x64 sum=$NODE_SHA512_X64 ;;
    Linux-aarch64 | Linux-arm64) arch=arm64 sum=$NODE_SHA512_ARM64 ;;
    *) die "Node 24 is needed, and none can be fetched for $(uname -s) on $(uname -m); install it and run this again" ;;
  esac
  url=$REGISTRY/node-linux-$arch/-/node-linux-$arch-$NODE_VERSION.tgz
  if [ -n "$DRY_RUN" ]; then
    say "would fetch Node $NODE_VERSION from $url into $PREFIX/node; what comes after is told once Node is there"
    exit 0
  fi
  say "fetching Node $NODE_VERSION from $url"
  curl -fsSL --retry 3 -o "$TMP/node.tgz" "$url" || die "Node cannot be fetched from $url; install Node 24 and run this again"
  printf '%s  %s\n' "$sum" "$TMP/node.tgz" | sha512sum --check --status ||
    die "$url is not the package it should be (checksum); nothing was installed"
  rm -rf "$PREFIX/node"
  mkdir -p "$PREFIX/node"
  tar -xzf "$TMP/node.tgz" -C "$PREFIX/node" --strip-components=1
  NODE=$PREFIX/node/bin/node
  is_recent "$NODE" || die "the fetched Node does not run on this machine (glibc too old?); install Node 24 and run this again"
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
  curl -fsSL --retry 3 -o "$TMP/streamhub-edge.mjs" "$base/install/$AGENT_SHA256/streamhub-edge.mjs" ||
    die "the agent cannot be fetched from $base (was the daemon updated meanwhile? then fetch install.sh again)"
  printf '%s  %s\n' "$AGENT_SHA256" "$TMP/streamhub-edge.mjs" | sha256sum --check --status ||
    die 'the fetched agent is not the one it should be (checksum); nothing was installed'
  AGENT=$TMP/streamhub-edge.mjs
}

main() {
  read_flags "$@"
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
    PASS=(--prefix "$PREFIX" ${DRY_RUN:+--dry-run})
    AGENT=$TMP/streamhub-edge.mjs
  else
    find_node || fetch_node
    fetch_agent
    [ -z "$HELP" ] || PASS=(--help)
  fi
  "$NODE" "$AGENT" "$ACTION" ${PASS[@]+"${PASS[@]}"} </dev/null
}

# the whole script is read before any of it runs
main "$@"
