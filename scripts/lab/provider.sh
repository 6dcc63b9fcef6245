#!/usr/bin/env bash
# The wire of a provider network, beside the underlay, and one device onto it. The wire is a plain bridge:
# what is tagged with a VLAN passes untouched.
#
#      dvr-cn1   dvr-cn2   dvr-nn1   dvr-nn2      dvr-ext   dvr-upstream     (node.sh, outside.sh)
#        ex0       ex0       ex0       ex0          eth0        eth0
#         │         │         │         │            │           │
#   ┌─────┴─────────┴─────────┴─────────┴────────────┴───────────┴────┐
#   │                         bridge "physnet1"                       │      namespace dvr-fabric
#   └─────────────────────────────────────────────────────────────────┘
#
# Usage: provider.sh up PORT --wire BRIDGE --namespace NAME --device DEVICE --mac MAC --mtu BYTES
#                       [--bare] [--dry-run]
#        provider.sh down PORT [--dry-run]
#        provider.sh show
#
# PORT is the fabric's end. A bare device never speaks by itself, as the uplink of a bridge must not.
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

fabric=dvr-fabric
verb=${1:-}
port=${2:-}
shift || usage
if [ "$verb" != show ]; then shift || usage; fi
wire='' namespace='' device='' mac='' mtu='' bare=no options='wire namespace device mac mtu bare'
take_options "$@"

up() {
  [ -n "$wire" ] && [ -n "$namespace" ] && [ -n "$device" ] && [ -n "$mac" ] && [ -n "$mtu" ] || usage
  if ! ip -n "$fabric" link show dev "$wire" >/dev/null 2>&1; then
    run ip -n "$fabric" link add name "$wire" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    run ip -n "$fabric" link set dev "$wire" mtu "$mtu" up
  fi
  if ! ip -n "$namespace" link show dev "$device" >/dev/null 2>&1; then
    # The end of a node that was made anew may outlive the old one for a moment.
    run ip -n "$fabric" link delete dev "$port" 2>/dev/null || true
    run ip -n "$fabric" link add name "$port" mtu "$mtu" type veth \
      peer name "$device" address "$mac" mtu "$mtu" netns "$namespace"
  fi
  if [ "$bare" = yes ]; then set_net "$namespace" "ipv6/conf/$device/disable_ipv6" 1; fi
  run ip -n "$fabric" link set dev "$port" mtu "$mtu" master "$wire" up
  run ip -n "$namespace" link set dev "$device" mtu "$mtu" up
}

down() { run ip -n "$fabric" link delete dev "$port" 2>/dev/null || true; }
show() { namespace=$fabric && show_devices link; }
do_verb
