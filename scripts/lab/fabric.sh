#!/usr/bin/env bash
# The wire between the lab's nodes: a bridge in a namespace of its own.
#
#      dvr-cn1            dvr-cn2            dvr-nn1          (scripts/lab/node.sh)
#        eth0               eth0               eth0
#         │                  │                  │
#   ┌─────┴──────────────────┴──────────────────┴─────┐
#   │               bridge "underlay"                 │      namespace dvr-fabric
#   └─────────────────────────────────────────────────┘
#
# The wires of provider networks are bridges beside it (provider.sh).
#
# Usage: fabric.sh up --mtu BYTES [--dry-run]
#        fabric.sh down [--dry-run]
#        fabric.sh show
#
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

namespace=dvr-fabric
verb=${1:-}
shift || usage
mtu='' options='mtu'
take_options "$@"

up() {
  [ -n "$mtu" ] || usage
  if ! has_namespace "$namespace"; then
    run ip netns add "$namespace"
  fi
  no_ipv6 "$namespace"
  run ip -n "$namespace" link set lo up
  if ! ip -n "$namespace" link show underlay >/dev/null 2>&1; then
    # A real switch forwards at once and knows nothing of groups that nobody asks it to join.
    run ip -n "$namespace" link add underlay type bridge stp_state 0 forward_delay 0 mcast_snooping 0
  fi
  run ip -n "$namespace" link set underlay mtu "$mtu" up
}

down() { unpublish "$namespace"; }
show() { show_devices link; }
do_verb
