#!/usr/bin/env bash
# One of our namespaces on one node: a router's copy, its SNAT namespace, an external network's FIP namespace.
#
#        node's namespace                      qrouter-r1                       fip-ext
#   +-----------------------+        +---------------------------+        +-----------------+
#   |  dvr dataplane        |        |   qr-red      qr-green    |        |                 |
#   |   fd of tap17 --------|--------|-> (tap17)  <-> routes     |  veth  |                 |
#   |   fd of tap18 --------|--------|------------->  (tap18)    |        |                 |
#   |                       |        |   rfp-r1 =================|========|= fpr-r1         |
#   |   fd of tap19 --------|--------|---------------------------|--------|-> fg-ext        |
#   +-----------------------+        +---------------------------+        +-----------------+
#
# The dataplane opens a TAP in the node's namespace, this script moves it into ours and renames it: so the
# descriptor does not keep a deleted namespace alive. A veth pair is made in the node's namespace as well, by
# whichever end comes first, and each namespace takes its own end. Neighbours, routes and rules are
# `ip -batch` work (src/namespaces/scripts.ts), many at a time.
set -eu

usage() {
  cat >&2 <<'USAGE'
usage: namespace.sh up   --namespace NAME [--sysctl PATH=VALUE]... [--dry-run]
       namespace.sh up   --namespace NAME --device DEVICE [--veth-peer DEVICE --peer-namespace NAME] --ifname NAME --mac MAC --mtu BYTES
                         [--address IP/BITS]... [--no-ipv6] [--no-prefix-route] [--sysctl PATH=VALUE]... [--dry-run]
       namespace.sh down --namespace NAME [--ifname NAME] [--dry-run]
       namespace.sh show --namespace NAME
  up    makes the namespace and sets its sysctls (written below /proc/sys, e.g. net/ipv4/ip_forward=1);
        with --device takes that device into it, and sets the sysctls then. Doing it again changes nothing.
        --veth-peer: if DEVICE is nowhere it is made, with that device as its other end, to be taken into that namespace.
        --no-prefix-route: an IPv4 address makes no route to its subnet.
  down  deletes the namespace and all in it, or with --ifname that device only.
USAGE
  exit 2
}

[ $# -ge 1 ] || usage
action=$1; shift
namespace='' device='' veth_peer='' peer_namespace='' ifname='' mac='' mtu='' ipv6=yes prefix_route=() dry_run=no
addresses=() sysctls=()
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes; shift; continue ;;
    --no-ipv6) ipv6=no; shift; continue ;;
    --no-prefix-route) prefix_route=(noprefixroute); shift; continue ;;
  esac
  [ $# -ge 2 ] || usage
  case $1 in
    --namespace) namespace=$2 ;;
    --device) device=$2 ;;
    --veth-peer) veth_peer=$2 ;;
    --peer-namespace) peer_namespace=$2 ;;
    --ifname) ifname=$2 ;;
    --mac) mac=$2 ;;
    --mtu) mtu=$2 ;;
    --address) addresses+=("$2") ;;
    --sysctl) sysctls+=("$2") ;;
    *) usage ;;
  esac
  shift 2
done
[ -n "$namespace" ] || usage

run() { if [ "$dry_run" = yes ]; then echo "$*"; else "$@"; fi; }
inside() { run ip -n "$namespace" "$@"; }
namespace_exists() { [ -e "/run/netns/$namespace" ]; }
# The MAC of a device in a namespace; nothing if there is no such device, or no such namespace.
mac_in() { ip -n "$1" -brief link show dev "$2" 2>/dev/null | awk '{ print $3 }'; }
mac_inside() { mac_in "$namespace" "$1"; }

# Writes PATH=VALUE words below /proc/sys of the namespace. What this kernel does not have (IPv6 switched
# off, a module that is not there) has nothing to be set and is skipped; a refused value is an error.
write_sysctls() {
  [ $# -gt 0 ] || return 0
  run ip netns exec "$namespace" sh -euc '
    for pair; do
      if [ -e "/proc/sys/${pair%%=*}" ]; then printf "%s" "${pair#*=}" > "/proc/sys/${pair%%=*}"; fi
    done' sysctls "$@"
}

make_namespace() {
  # Built into some kernels, modules in others; without tun the dataplane could not have opened a TAP.
  run modprobe --quiet --all tun nf_conntrack 2>/dev/null || true
  namespace_exists || run ip netns add "$namespace"
  # Defaults come before any device: a device copies them at the moment it comes in.
  if [ -z "$device" ]; then write_sysctls ${sysctls[@]+"${sysctls[@]}"}; fi
  inside link set dev lo up
}

# Either both ends of a pair are there or none: one does not live without the other. But the other end of one that
# is there may be in a namespace that has lost its name, and lives on while somebody is inside.
make_veth() {
  if [ "$dry_run" = no ] && { ip link show dev "$device" >/dev/null 2>&1 || [ -n "$(mac_inside "$ifname")" ]; }; then
    return 0
  fi
  if [ "$dry_run" = no ] && [ -n "$(mac_in "$peer_namespace" "$veth_peer")" ]; then
    # It may go by itself meanwhile.
    ip -n "$peer_namespace" link del dev "$veth_peer" || [ -z "$(mac_in "$peer_namespace" "$veth_peer")" ]
  fi
  run ip link add name "$device" type veth peer name "$veth_peer"
}

take_device_in() {
  if ip link show dev "$device" >/dev/null 2>&1 || [ "$dry_run" = yes ]; then
    # A device of this name inside is one whose owners both died: its descriptor is gone for good.
    [ -z "$(mac_inside "$ifname")" ] || inside link del dev "$ifname"
    run ip link set dev "$device" down address "$mac" mtu "$mtu"
    run ip link set dev "$device" netns "$namespace" name "$ifname"
    echo "taken in: $ifname"
  elif [ "$(mac_inside "$ifname")" != "$mac" ]; then
    echo "namespace.sh: neither $device here nor $ifname with $mac in $namespace" >&2
    exit 3
  fi
}

# The dataplane's TAPs ask of senders for super-frames that fill a tunnel's datagram. Here the kernel only hands on
# what others have made, from outside up to 64 KiB, and would cut all that is larger into single packets.
readonly whole=(gso_max_size 65536 gso_max_segs 65535)

configure_device() {
  if [ "$ipv6" = no ]; then write_sysctls "net/ipv6/conf/$ifname/disable_ipv6=1"; fi
  inside link set dev "$ifname" mtu "$mtu" "${whole[@]}"
  inside link set dev "$ifname" up
  local address
  for address in ${addresses[@]+"${addresses[@]}"}; do
    case $address in
      *:*) inside -6 address replace "$address" dev "$ifname" nodad ;;
      *) inside address replace "$address" dev "$ifname" ${prefix_route[@]+"${prefix_route[@]}"} ;;
    esac
  done
  write_sysctls ${sysctls[@]+"${sysctls[@]}"}
  remove_other_addresses
}

# An address the router no longer has would still be answered for.
remove_other_addresses() {
  if [ "$dry_run" = yes ]; then return 0; fi
  local word
  for word in $(ip -n "$namespace" -brief address show dev "$ifname" scope global | cut -d' ' -f3-); do
    case $word in */*) ;; *) continue ;; esac
    case " ${addresses[*]-} " in *" $word "*) ;; *) inside address del "$word" dev "$ifname" ;; esac
  done
}

case $action in
  up)
    made=no
    if ! namespace_exists; then made=yes; fi
    # A namespace that was not finished is no namespace: undone, so that the next try starts clean.
    trap '[ $? -eq 0 ] || [ "$made" = no ] || [ "$dry_run" = yes ] || ip netns del "$namespace" 2>/dev/null' EXIT
    make_namespace
    if [ -n "$device" ]; then
      [ -n "$ifname" ] && [ -n "$mac" ] && [ -n "$mtu" ] || usage
      if [ -n "$veth_peer" ]; then make_veth; fi
      take_device_in
      configure_device
    fi
    ;;
  down)
    namespace_exists || [ "$dry_run" = yes ] || exit 0
    if [ -n "$ifname" ]; then
      if [ "$dry_run" = yes ] || [ -n "$(mac_inside "$ifname")" ]; then inside link del dev "$ifname"; fi
    else
      run ip netns del "$namespace"
    fi
    ;;
  show)
    if ! namespace_exists; then echo "$namespace: absent"; exit 0; fi
    ip -n "$namespace" -brief address show
    ip -n "$namespace" rule show
    ip -n "$namespace" route show table all proto 200
    ip -n "$namespace" neigh show nud permanent
    ;;
  *) usage ;;
esac
