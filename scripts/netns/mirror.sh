#!/usr/bin/env bash
# The devices br-int, br-tun and br-ex of a node: what `tcpdump -e -i br-int` looks at.
#
#   dvr dataplane --- copies of what passes br-int ---> TAP br-int   <--- tcpdump
#                 |-- copies of what passes br-tun ---> TAP br-tun   <--- tcpdump
#                 \-- copies of what passes br-ex ----> TAP br-ex    <--- tcpdump
#
# They show and carry nothing: no address, no ARP, no IPv6, so that the node never answers a guest.
set -eu

usage() {
  cat >&2 <<'USAGE'
usage: mirror.sh up|down|show --name br-int|br-tun|br-ex [--dry-run]
  up    silences the device that the dataplane has opened, and sets it up. Again: changes nothing.
  down  deletes it.
USAGE
  exit 2
}

[ $# -ge 1 ] || usage
action=$1; shift
name='' dry_run=no
while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry_run=yes; shift ;;
    --name) [ $# -ge 2 ] || usage; name=$2; shift 2 ;;
    *) usage ;;
  esac
done
case $name in br-int | br-tun | br-ex) ;; *) usage ;; esac

run() { if [ "$dry_run" = yes ]; then echo "$*"; else "$@"; fi; }
exists() { [ "$dry_run" = yes ] || ip link show dev "$name" >/dev/null 2>&1; }

case $action in
  up)
    exists || { echo "mirror.sh: the dataplane has not opened $name" >&2; exit 3; }
    # Before up: a device that comes up with IPv6 joins groups and asks for routers at once.
    if [ "$dry_run" = yes ] || [ -e "/proc/sys/net/ipv6/conf/$name" ]; then
      run sh -euc 'printf 1 > "/proc/sys/net/ipv6/conf/$1/disable_ipv6"' disable_ipv6 "$name"
    fi
    run ip link set dev "$name" arp off multicast off
    run ip link set dev "$name" up
    ;;
  down)
    if exists; then run ip link del dev "$name"; fi
    ;;
  show)
    if exists; then ip -brief link show dev "$name"; else echo "$name: absent"; fi
    ;;
  *) usage ;;
esac
