#!/usr/bin/env bash
# Plugs a port into a VM's or a container's network namespace: the one way anything is plugged.
#
#     node's namespace                 the namespace of vm1
#   +--------------------+        +---------------------------------+
#   |  dvr dataplane     |        |  eth0  (was tap16)              |
#   |   fd of tap16 -----|--------|->  fa:16:3e:…  10.1.0.11/24     |
#   +--------------------+        |     default via 10.1.0.1        |
#                                 +---------------------------------+
#
# The device gets its MAC and MTU while it is still down and still here; then it moves and is renamed in
# one step, gets its addresses, comes up and gets its routes. If any of it fails, it comes back as it was.
# Nothing that was in the namespace before is changed: all that `up` adds goes when `down` deletes the device.
set -eu

usage() {
  cat >&2 <<'USAGE'
usage: attach-netns.sh up   --device TAP (--netns PATH | --pid PID) --ifname NAME --mac MAC --mtu BYTES
                            [--inode N] [--address IP/BITS]... [--gateway IP]...
                            [--accept-ra] [--dry-run]
       attach-netns.sh down (--netns PATH | --pid PID) --ifname NAME --mac MAC [--dry-run]
       attach-netns.sh show (--netns PATH | --pid PID) --ifname NAME
  up    moves TAP into the namespace as NAME. Doing it again changes nothing. Refused if NAME is there with
        another MAC (exit 4), and for the machine's own namespace (exit 6); exit 3 if the TAP is nowhere to
        be found, 5 if no namespace is there. A default route that is there already keeps winning.
        With --inode it must be that namespace: exit 7 for another or none, a pid may mean another process.
        With --accept-ra NAME listens to router advertisements: for its IPv6 default route, and for addresses
        that it makes of prefix and MAC.
  down  deletes NAME there if it has that MAC; a namespace that is gone is no error.
USAGE
  exit 2
}

[ $# -ge 1 ] || usage
action=$1; shift
device='' netns='' inode='' ifname='' mac='' mtu='' accept_ra=no dry_run=no
addresses=() gateways=()
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes; shift; continue ;;
    --accept-ra) accept_ra=yes; shift; continue ;;
  esac
  [ $# -ge 2 ] || usage
  case $1 in
    --device) device=$2 ;;
    --netns) netns=$2 ;;
    --pid) netns=/proc/$2/ns/net ;;
    --inode) inode=$2 ;;
    --ifname) ifname=$2 ;;
    --mac) mac=$2 ;;
    --mtu) mtu=$2 ;;
    --address) addresses+=("$2") ;;
    --gateway) gateways+=("$2") ;;
    *) usage ;;
  esac
  shift 2
done
[ -n "$netns" ] && [ -n "$ifname" ] || usage

# Behind whatever default route is there: dhclient's has 0, a router advertisement's 1024, NetworkManager's
# up to 20000 and more. The kernel's own "unreachable" has the largest number there is.
readonly behind_others=4294967294

run() { if [ "$dry_run" = yes ]; then echo "$*"; else "$@"; fi; }
# The namespace may be known here by a path only, which `ip -n` does not take.
inside() { run nsenter --net="$netns" ip "$@"; }
inode_there() { stat --dereference --format %i "$netns"; }
mac_inside() { nsenter --net="$netns" ip -brief link show dev "$ifname" 2>/dev/null | awk '{ print $3 }'; }
is_here() { ip link show dev "$device" >/dev/null 2>&1; }

moved=no
undo() {
  local code=$?
  if [ "$code" -eq 0 ] || [ "$moved" = no ] || [ "$dry_run" = yes ]; then return; fi
  nsenter --net="$netns" ip link set dev "$ifname" down 2>/dev/null || true
  nsenter --net="$netns" ip link set dev "$ifname" netns $$ name "$device" 2>/dev/null || true
}

move_in() {
  local found=''
  if [ "$dry_run" = no ]; then found=$(mac_inside); fi
  if [ -n "$found" ] && [ "$found" != "$mac" ]; then
    echo "attach-netns.sh: $ifname is in $netns already, with MAC $found" >&2
    exit 4
  fi
  if [ "$dry_run" = no ] && ! is_here; then
    [ -z "$found" ] || return 0
    echo "attach-netns.sh: neither $device here nor $ifname with $mac in $netns" >&2
    exit 3
  fi
  # With a new TAP here, the one inside is of owners that both died: its descriptor is gone for good.
  [ -z "$found" ] || inside link del dev "$ifname"
  # It is down until it is inside, so the node's own stack never speaks on it.
  run ip link set dev "$device" down address "$mac" mtu "$mtu"
  run ip link set dev "$device" netns "$netns" name "$ifname"
  moved=yes
}

# Makes the device, not its namespace, listen to routers, whatever the namespace's defaults are. Before it comes
# up: it asks for routers at once then. An address that is not made of the MAC (RFC 7217, RFC 8981) is not the
# port's, and its packets would be dropped; and the MAC is its alone, so there is no duplicate to look for.
listen_to_routers() {
  run nsenter --net="$netns" sh -euc '
    for pair in accept_ra=2 autoconf=1 router_solicitations=-1 addr_gen_mode=0 use_tempaddr=0 accept_dad=0; do
      if [ -e "/proc/sys/net/ipv6/conf/$1/${pair%%=*}" ]; then
        printf "%s" "${pair#*=}" > "/proc/sys/net/ipv6/conf/$1/${pair%%=*}"
      fi
    done' listen_to_routers "$ifname"
}

configure() {
  local address gateway
  inside link set dev "$ifname" mtu "$mtu"
  if [ "$accept_ra" = yes ]; then listen_to_routers; fi
  for address in ${addresses[@]+"${addresses[@]}"}; do
    # The controller gave the address to one port alone: there is no duplicate to look for.
    case $address in
      *:*) inside -6 address replace "$address" dev "$ifname" nodad ;;
      *) inside address replace "$address" dev "$ifname" ;;
    esac
  done
  inside link set dev lo up
  inside link set dev "$ifname" up
  for gateway in ${gateways[@]+"${gateways[@]}"}; do
    case $gateway in
      *:*) route_by -6 "$gateway" ;;
      *) route_by -4 "$gateway" ;;
    esac
  done
}

# Makes the gateway the default, without touching a default route that is not ours.
route_by() {
  local family=$1 gateway=$2 metric
  metric=$(metric_of_ours "$family")
  # On-link: the gateway may lie outside the port's own prefix (a /32 address, a second subnet).
  inside "$family" route replace default via "$gateway" dev "$ifname" onlink ${metric:+metric "$metric"}
}

# The metric that our default route has, or is to have; nothing for the kernel's own.
metric_of_ours() {
  if [ "$dry_run" = yes ]; then return 0; fi
  nsenter --net="$netns" ip "$1" route show default | awk -v device="$ifname" -v behind="$behind_others" '
    $1 == "default" {
      metric = ""; is_ours = 0
      for (word = 2; word < NF; word++) {
        if ($word == "metric") metric = $(word + 1)
        if ($word == "dev" && $(word + 1) == device) is_ours = 1
      }
      if (!is_ours) others = 1
      else if (!found++) found_metric = metric
    }
    END { print found ? found_metric : others ? behind : "" }'
}

# The node's own devices are in its namespace, and a route there would be the node's own. A fake node (the
# lab) is not where its machine is, and has no business there either.
is_machine() {
  local own
  for own in /proc/self/ns/net /proc/1/ns/net; do
    if [ "$(stat --dereference --format %d:%i "$own")" = "$1" ]; then return 0; fi
  done
  return 1
}

case $action in
  up)
    [ -n "$device" ] && [ -n "$mac" ] && [ -n "$mtu" ] || usage
    # A plain file is none either: `ip netns` leaves one behind where a mount was taken away.
    if [ "$dry_run" = no ] && ! nsenter --net="$netns" true 2>/dev/null; then
      echo "attach-netns.sh: no network namespace at $netns" >&2
      if [ -z "$inode" ]; then exit 5; else exit 7; fi
    fi
    if [ "$dry_run" = no ] && [ "${inode:-$(inode_there)}" != "$(inode_there)" ]; then
      echo "attach-netns.sh: $netns is another network namespace than it was" >&2
      exit 7
    fi
    if [ "$dry_run" = no ] && is_machine "$(stat --dereference --format %d:%i "$netns")"; then
      echo "attach-netns.sh: $netns is the machine's own network namespace, not a VM's or a container's" >&2
      exit 6
    fi
    trap undo EXIT
    run modprobe --quiet tun 2>/dev/null || true
    move_in
    configure
    ;;
  down)
    [ -n "$mac" ] || usage
    if [ "$dry_run" = yes ] || { [ -e "$netns" ] && [ "$(mac_inside || true)" = "$mac" ]; }; then
      inside link del dev "$ifname"
    fi
    ;;
  show)
    if [ ! -e "$netns" ]; then echo "$netns: absent"; exit 0; fi
    nsenter --net="$netns" ip address show dev "$ifname" || true
    nsenter --net="$netns" ip route show dev "$ifname" || true
    ;;
  *) usage ;;
esac
