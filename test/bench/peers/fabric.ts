/**
 * What peers other than the lab have in common: namespaces for nodes and VMs, and the lab's own wire.
 *
 *      PEER-cn1         PEER-cn2         PEER-nn1
 *         u0               u0               u0
 *         └────────── bridge "underlay" ────┘          namespace PEER-fabric
 *
 * Pure: what comes out are commands, in order. Every device is made inside a namespace of the peer's own.
 */
import { inside } from '../commands.js';
import { named, type Picture, type PictureVm } from '../picture.js';

export type Command = readonly string[];

export const namespaceOf = (peer: string, name: string): string => `${peer}-${name}`;
export const ip = (namespace: string, ...words: readonly string[]): Command =>
  ['ip', '-n', namespace, ...words];
/** The setting is absent where the kernel has no br_netfilter, which is as good. */
export const withoutBridgeFilters = (namespace: string): Command =>
  inside(namespace, 'sysctl', '--quiet', '--ignore', '--write', 'net.bridge.bridge-nf-call-iptables=0');

/**
 * Quiet and without filters: no IPv6 chatter, no reverse path check, and no iptables hooks under bridges,
 * which would only slow the peer.
 */
export function namespaceCommands(
  namespace: string, options: { readonly forwarding?: true } = {},
): Command[] {
  const settings = [
    'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1',
    'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0',
    'net.ipv4.conf.all.send_redirects=0', 'net.ipv4.conf.default.send_redirects=0',
    ...(options.forwarding === true ? ['net.ipv4.ip_forward=1'] : []),
  ];
  return [
    ['ip', 'netns', 'add', namespace],
    ip(namespace, 'link', 'set', 'lo', 'up'),
    inside(namespace, 'sysctl', '--quiet', '--write', ...settings),
    withoutBridgeFilters(namespace),
  ];
}

export function fabricCommands(peer: string, picture: Picture): Command[] {
  const fabric = namespaceOf(peer, 'fabric');
  const mtu = `${picture.underlayMtuBytes}`;
  return [
    ...namespaceCommands(fabric),
    ip(fabric, 'link', 'add', 'underlay', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0',
      'mcast_snooping', '0'),
    ip(fabric, 'link', 'set', 'underlay', 'mtu', mtu, 'up'),
    ...picture.nodes.flatMap(({ name, mac }) => [
      ...namespaceCommands(namespaceOf(peer, name)),
      ip(fabric, 'link', 'add', name, 'mtu', mtu, 'type', 'veth',
        'peer', 'name', 'u0', 'address', mac, 'mtu', mtu, 'netns', namespaceOf(peer, name)),
      ip(fabric, 'link', 'set', name, 'master', 'underlay', 'up'),
      ip(namespaceOf(peer, name), 'link', 'set', 'u0', 'up'),
    ]),
  ];
}

/** The VM's own side, once its eth0 is there. */
export function vmCommands(peer: string, picture: Picture, vm: PictureVm): Command[] {
  const at = namespaceOf(peer, vm.name);
  const network = named(picture.networks, vm.network);
  return [
    ip(at, 'link', 'set', 'eth0', 'mtu', `${network.mtuBytes}`, 'address', vm.mac, 'up'),
    ip(at, 'address', 'add', `${vm.ip}/${network.prefixBits}`, 'dev', 'eth0'),
    ip(at, 'route', 'add', 'default', 'via', network.gateway),
  ];
}
