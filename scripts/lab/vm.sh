#!/usr/bin/env bash
# A stand-in for a virtual machine: a namespace that a port's device is plugged into.
#
#   namespace dvr-vm1                                node cn1
#   ┌─────────────────────────────┐                 ┌──────────────┐
#   │ eth0  (comes with the port) ═══ TAP ════════ the dataplane   │
#   └─────────────────────────────┘                 └──────────────┘
#
# Usage: vm.sh up NAME [--ipv6] [--dry-run]
#        vm.sh down NAME [--dry-run]
#        vm.sh show NAME
#
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

verb=${1:-}
name=${2:-}
shift 2 || usage
ipv6=no options='ipv6'
take_options "$@"
namespace=dvr-$name

# A guest that says nothing unasked: a capture then shows only what was sent on purpose.
quiet_ipv6() {
  set_net "$namespace" ipv6/conf/default/accept_ra 0
  set_net "$namespace" ipv6/conf/default/router_solicitations 0
  set_net "$namespace" ipv6/conf/default/dad_transmits 0
  set_net "$namespace" ipv6/conf/default/accept_dad 0
}

up() {
  if ! has_namespace "$namespace"; then
    run ip netns add "$namespace"
  fi
  if [ "$ipv6" = yes ]; then quiet_ipv6; else no_ipv6 "$namespace"; fi
  run ip -n "$namespace" link set lo up
}

down() { unpublish "$namespace"; }
show() { show_devices address; }
do_verb
