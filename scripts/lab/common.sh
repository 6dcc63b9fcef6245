# Shared by the lab's scripts: running, showing and not running commands. Sourced, never run.

dry_run=no

# Runs a command, or with --dry-run says it.
run() {
  if [ "$dry_run" = yes ]; then
    printf '%s\n' "$*"
  else
    "$@"
  fi
}

usage() {
  # The usage is the part of the caller's head comment that starts with "Usage".
  sed -n '/^# Usage/,/^#$/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

has_namespace() { ip netns list | cut -d ' ' -f 1 | grep -qxF -- "$1"; }

# Sets one network sysctl inside a published namespace, given relative to /proc/sys/net.
set_net() {
  local namespace=$1 key=$2 value=$3
  run nsenter --net="/run/netns/$namespace" sysctl --quiet --write "net/$key=$value"
}

# IPv6 off, for namespaces where its chatter would only hide what one wants to see.
no_ipv6() {
  set_net "$1" ipv6/conf/all/disable_ipv6 1
  set_net "$1" ipv6/conf/default/disable_ipv6 1
}

# Takes a published name away; the namespace itself goes when nothing else holds it.
unpublish() {
  local path=/run/netns/$1
  if mountpoint --quiet "$path" 2>/dev/null || [ -e "$path" ]; then
    run umount --lazy "$path" 2>/dev/null || true
    run rm -f "$path"
  fi
}
