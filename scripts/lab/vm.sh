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
ipv6=no
while [ $# -gt 0 ]; do
  case $1 in
    --ipv6) ipv6=yes; shift ;;
    --dry-run) dry_run=yes; shift ;;
    *) usage ;;
  esac
done
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

down() {
  unpublish "$namespace"
}

show() {
  if has_namespace "$namespace"; then
    ip -n "$namespace" -brief address show
  else
    echo "$namespace: absent"
  fi
}

case $verb in
  up | down | show) "$verb" ;;
  *) usage ;;
esac
