#!/usr/bin/env bash
# A fake node: a network and a mount namespace of its own, so that every name inside is the name it
# has on a real node, held open by a process that does nothing.
#
#   dvr-fabric                         namespace dvr-cn1, kept by the process "dvr-node cn1"
#   ┌──────────────┐  veth  ┌─────────────────────────────────────────────────┐
#   │ underlay ─ cn1 ══════ eth0  172.16.0.11/24                              │
#   └──────────────┘        │  /run/netns: private, empty; the routers' go here │
#                           │  /sys: shows this namespace's devices             │
#                           └─────────────────────────────────────────────────┘
#
# Usage: node.sh up NAME --vtep ADDRESS/LENGTH --mtu BYTES --mac MAC --port FABRIC-LINK
#                        --wire segments|super --run-dir DIR [--dry-run]
#        node.sh down NAME [--dry-run]
#        node.sh show NAME
#
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

fabric=dvr-fabric
# How long the holder may take to prepare its mounts: it runs three commands.
holder_wait_tenths=50

verb=${1:-}
name=${2:-}
shift 2 || usage
vtep='' mtu='' mac='' port='' wire=segments run_dir='' options='vtep mtu mac port wire run_dir'
take_options "$@"
namespace=dvr-$name

# Runs inside the new namespaces. Its pid file says that the mounts are ready.
# shellcheck disable=SC2016
holder='
  set -eu
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=0755 none /run/netns
  echo "$$" >"$2.new"
  mv "$2.new" "$2"
  exec -a "dvr-node $1" sleep infinity
'

hold() {
  local pid_file=$run_dir/$name/holder.pid waited=0
  run mkdir -p "$run_dir/$name"
  run rm -f "$pid_file"
  if [ "$dry_run" = yes ]; then
    run setsid unshare --net --mount --propagation private bash -c '(holder)' hold "$name" "$pid_file"
    return
  fi
  setsid unshare --net --mount --propagation private bash -c "$holder" hold "$name" "$pid_file" \
    </dev/null >/dev/null 2>"$run_dir/$name/holder.err" &
  while [ ! -e "$pid_file" ]; do
    if [ "$waited" -ge "$holder_wait_tenths" ]; then
      echo "node $name: its namespaces did not come up: $(cat "$run_dir/$name/holder.err")" >&2
      exit 1
    fi
    sleep 0.1
    waited=$((waited + 1))
  done
  rm -f "$run_dir/$name/holder.err"
}

held() {
  local pid
  pid=$(cat "$run_dir/$name/holder.pid" 2>/dev/null) || return 1
  [ "$(readlink "/proc/$pid/ns/net" 2>/dev/null)" = "net:[$(stat -c %i "/run/netns/$namespace" 2>/dev/null)]" ]
}

publish() {
  local pid
  pid=$(cat "$run_dir/$name/holder.pid" 2>/dev/null || echo PID)
  run touch "/run/netns/$namespace"
  run mount --bind "/proc/$pid/ns/net" "/run/netns/$namespace"
}

up() {
  [ -n "$vtep" ] && [ -n "$mtu" ] && [ -n "$mac" ] && [ -n "$port" ] && [ -n "$run_dir" ] || usage
  if ! held; then
    # Without its holder the old one has lost its mounts, so what is left of it is no node any more.
    down
    run ip -n "$fabric" link delete dev "$port" 2>/dev/null || true
    hold
    publish
  fi
  case $vtep in
    *:*)
      # An address must be usable at once, and no router on the fabric is to be asked for more.
      set_net "$namespace" ipv6/conf/default/accept_ra 0
      set_net "$namespace" ipv6/conf/default/accept_dad 0
      ;;
    *) no_ipv6 "$namespace" ;;
  esac
  run ip -n "$namespace" link set lo up
  if ! ip -n "$namespace" link show eth0 >/dev/null 2>&1; then
    run ip -n "$fabric" link add name "$port" mtu "$mtu" type veth \
      peer name eth0 address "$mac" mtu "$mtu" netns "$namespace"
  fi
  run ip -n "$fabric" link set dev "$port" mtu "$mtu" master underlay up
  run ip -n "$namespace" link set eth0 mtu "$mtu" up
  run ip -n "$namespace" address replace "$vtep" dev eth0
  if [ "$wire" = segments ]; then
    # A train of datagrams leaves as single packets, so that a capture shows each of them.
    run nsenter --net="/run/netns/$namespace" ethtool --offload eth0 \
      tx-udp-segmentation off tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off
  fi
}

down() {
  local published
  # The names of what was inside come first: they pin the namespaces that the node's agent made.
  for published in "/run/netns/$namespace"-{qrouter,snat,fip}-*; do
    if [ -e "$published" ]; then unpublish "${published#/run/netns/}"; fi
  done
  unpublish "$namespace"
}

show() { show_devices address; }
do_verb
