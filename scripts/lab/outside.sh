#!/usr/bin/env bash
# The world outside the cloud: a host with a foot on the provider's wire, the provider's router, and an
# address beyond it, which is the same host's, so that its programs serve both.
#
#   namespace dvr-ext                                       namespace dvr-upstream
#   ┌────────────────────────────────────────┐             ┌─────────────────────────────┐
#   │ beyond  198.51.100.9/24  ═══════════════════ veth ════ beyond  198.51.100.1/24     │
#   │ eth0    203.0.113.10/24                │             │ eth0    203.0.113.1/24      │
#   └──────────┬─────────────────────────────┘             └──────────┬──────────────────┘
#              └──────────── the provider's wire (provider.sh) ───────┘
#
# What is sent from 198.51.100.9 always leaves by the router, as if it came from far away.
#
# Usage: outside.sh up [--ipv6] [--device DEVICE [--vlan ID] [--host ADDRESS/LENGTH] --gateway ADDRESS/LENGTH]
#                      [--dry-run]
#        outside.sh down [--dry-run]
#        outside.sh show
#
# With a device, which must be there in both, gives the host and the router their addresses on it. Where the
# kernel makes no VLAN devices, prints that the outside has no foot in a tagged network, and goes on.
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

host_namespace=dvr-ext
upstream=dvr-upstream
far_host=198.51.100.9 far_router=198.51.100.1 far_length=24
# Any free number does: nothing else in this namespace has tables.
far_table=100

verb=${1:-}
shift || usage
ipv6=no device='' vlan='' host='' gateway='' options='ipv6 device vlan host gateway'
take_options "$@"

up() {
  local name
  for name in "$host_namespace" "$upstream"; do
    if ! has_namespace "$name"; then run ip netns add "$name"; fi
    run ip -n "$name" link set lo up
    if [ "$ipv6" = no ] && [ -z "$device" ]; then no_ipv6 "$name"; fi
    # The way back is another one than the way here, where the far address is meant.
    set_net "$name" ipv4/conf/all/rp_filter 0
    set_net "$name" ipv4/conf/default/rp_filter 0
  done
  join_beyond
  if [ -n "$device" ]; then put_addresses; fi
}

join_beyond() {
  if ! ip -n "$host_namespace" link show beyond >/dev/null 2>&1; then
    run ip -n "$host_namespace" link add beyond type veth peer name beyond netns "$upstream"
  fi
  run ip -n "$host_namespace" link set beyond up
  run ip -n "$upstream" link set beyond up
  run ip -n "$host_namespace" address replace "$far_host/$far_length" dev beyond
  run ip -n "$upstream" address replace "$far_router/$far_length" dev beyond
  # Its own address is for its own wire: the router must not be answered for it on the other.
  set_net "$host_namespace" ipv4/conf/all/arp_ignore 1
  set_net "$host_namespace" ipv4/conf/all/arp_announce 2
  set_net "$upstream" ipv4/ip_forward 1
  set_net "$upstream" ipv6/conf/all/forwarding 1
  run ip -n "$host_namespace" route replace default via "$far_router" dev beyond table "$far_table"
  if [ -z "$(ip -n "$host_namespace" rule show from "$far_host")" ]; then
    run ip -n "$host_namespace" rule add from "$far_host" lookup "$far_table"
  fi
}

put_addresses() {
  [ -n "$gateway" ] || usage
  if [ -n "$vlan" ] && ! join_vlan; then
    echo "the outside has no foot in VLAN $vlan: this kernel makes no VLAN devices (8021q)"
    return
  fi
  if [ -n "$host" ]; then put_address "$host_namespace" "$host"; fi
  put_address "$upstream" "$gateway"
  run ip -n "$host_namespace" route replace default via "${gateway%/*}" dev "$device"
}

put_address() {
  local name=$1 address=$2 at_once=()
  # Nobody else has the address, so there is no need to ask around before it is used.
  case $address in *:*) at_once=(nodad) ;; esac
  run ip -n "$name" address replace "$address" dev "$device" "${at_once[@]}"
}

# From here on the device is the one in the VLAN.
join_vlan() {
  local name whole=$device
  device=$whole.$vlan
  for name in "$host_namespace" "$upstream"; do
    if ! ip -n "$name" link show dev "$device" >/dev/null 2>&1; then
      run ip -n "$name" link add link "$whole" name "$device" type vlan id "$vlan" 2>/dev/null || return 1
    fi
    run ip -n "$name" link set dev "$device" up
  done
}

down() {
  unpublish "$host_namespace"
  unpublish "$upstream"
}

show() {
  local namespace
  for namespace in "$host_namespace" "$upstream"; do show_devices address; done
}
do_verb
