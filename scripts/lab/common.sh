# Shared by the lab's scripts: what they are asked for, running, showing and not running commands.
# Sourced, never run.

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
  # The usage is the part of the caller's head comment that starts with "Usage"; we are in its folder.
  sed -n '/^# Usage/,/^#$/s/^# \{0,1\}//p' "$(basename "$0")" >&2
  exit 2
}

# Takes the options of a script into variables of their names (--run-dir into run_dir) which exist already;
# an option whose variable is "no" is a switch. What the script does not have is a usage error.
take_options() {
  local name
  while [ $# -gt 0 ]; do
    name=${1#--}
    name=${name//-/_}
    if [ "--${name//_/-}" != "$1" ] || [[ " $options dry_run " != *" $name "* ]]; then usage; fi
    if [ "${!name}" = no ]; then
      printf -v "$name" yes
      shift
    else
      [ $# -ge 2 ] || usage
      printf -v "$name" %s "$2"
      shift 2
    fi
  done
}

# Does what the script was asked for: up, down or show.
do_verb() {
  case $verb in
    up | down | show) "$verb" ;;
    *) usage ;;
  esac
}

# Facts about the script's namespace, as `ip` tells them: "link" or "address".
show_devices() {
  if has_namespace "$namespace"; then
    ip -n "$namespace" -brief "$1" show
  else
    echo "$namespace: absent"
  fi
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
