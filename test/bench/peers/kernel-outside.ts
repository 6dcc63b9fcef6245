/**
 * The kernel peer's way out, as ours is built: source NAT in a namespace on the network node, floating IPs in
 * one on each VM's own node, and an outside host on the provider's wire.
 *
 *     kernel-nn1                   kernel-snat                    kernel-fabric
 *       br-red ── s-red ══════════ sg-red
 *       br-ex ─┬─ x-snat ═════════ out      source NAT
 *              └─ ex0 ════════════════════════════════════════════ bridge "provider" ── eth0 of kernel-ext
 *     kernel-cn1                   kernel-cn1-fip                       │
 *       br-ex ─┬─ x-fip ══════════ out      1:1 NAT                     │
 *              └─ ex0 ══════════════════════════════════════════════════┘
 *     kernel-cn1-router
 *       rfp ══════════════════════ fpr      /31
 *
 * A router's copy sends a VM with a floating IP to rfp and all others to `sg-`, by rules; its main table comes
 * first and has no default, so east-west passes no NAT and no connection tracking.
 */
import { inside } from '../commands.js';
import { named, type Picture, type PictureNetwork, type PictureOutside } from '../picture.js';
import { outsideHost } from '../catalog.js';
import { type Command, ip, namespaceCommands } from './fabric.js';
import { at, bridge, neighbour, remoteMacCommands, routerOf } from './kernel-names.js';

const kSnat = at('snat');
const fipOf = (node: string): string => at(`${node}-fip`);
const kWire = 'provider';
const kFipTable = '16';
/** After the main table; a VM's own rule before its subnet's. */
const kFipPriority = '40000';
const kSnatPriority = '40001';
const kRfp = '169.254.64.0';
const kFpr = '169.254.64.1';

export const outsideNamespaces = (picture: Picture): string[] =>
  [at(outsideHost), kSnat, ...fipNodes(picture).map(fipOf)];

const fipNodes = ({ outside }: Picture): string[] => [...new Set(outside.floatingIps.map(({ node }) => node))];

export function outsideCommands(picture: Picture): Command[] {
  const { outside } = picture;
  const nodes = [...new Set([outside.snatNode, ...fipNodes(picture)])];
  const address = `${outside.host}/${outside.prefixBits}`;
  return [
    ip(at('fabric'), 'link', 'add', kWire, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0',
      'mcast_snooping', '0'),
    ip(at('fabric'), 'link', 'set', kWire, 'mtu', `${outside.mtuBytes}`, 'up'),
    ...namespaceCommands(at(outsideHost)),
    ...plug({ node: 'fabric', bridge: kWire, name: `p-${outsideHost}`, namespace: at(outsideHost), device: 'eth0' }, outside),
    ip(at(outsideHost), 'address', 'add', address, 'dev', 'eth0'),
    ...nodes.flatMap((node) => uplinkCommands(node, outside)),
    ...snatCommands(picture),
    ...fipNodes(picture).flatMap((node) => fipCommands(picture, node)),
  ];
}

function uplinkCommands(node: string, outside: PictureOutside): Command[] {
  const mtu = `${outside.mtuBytes}`;
  return [
    ip(at(node), 'link', 'add', 'br-ex', 'mtu', mtu, 'type', 'bridge', 'mcast_snooping', '0'),
    ip(at(node), 'link', 'set', 'br-ex', 'up'),
    ...plug({ node: 'fabric', bridge: kWire, name: `p-${node}`, namespace: at(node), device: 'ex0' }, outside),
    ip(at(node), 'link', 'set', 'ex0', 'master', 'br-ex'),
  ];
}

/** The two ends of a veth pair: `name` on a bridge of the node, and the device in the namespace. */
interface Plug {
  readonly node: string; readonly bridge: string; readonly name: string;
  readonly namespace: string; readonly device: string;
}

function plug({ node, bridge: on, name, namespace, device }: Plug, { mtuBytes }: { readonly mtuBytes: number }): Command[] {
  const mtu = `${mtuBytes}`;
  return [
    ip(at(node), 'link', 'add', name, 'mtu', mtu, 'type', 'veth', 'peer', 'name', device, 'mtu', mtu,
      'netns', namespace),
    ip(at(node), 'link', 'set', name, 'master', on, 'up'),
    ip(namespace, 'link', 'set', device, 'up'),
  ];
}

const nat = (namespace: string, ...rules: readonly string[]): Command => inside(namespace, 'nft', [
  'add table ip nat',
  'add chain ip nat in { type nat hook prerouting priority dstnat; }',
  'add chain ip nat out { type nat hook postrouting priority srcnat; }',
  ...rules.map((rule) => `add rule ip nat ${rule}`),
].join('; '));

function snatCommands(picture: Picture): Command[] {
  const { outside, networks } = picture;
  return [
    ...namespaceCommands(kSnat, { forwarding: true }),
    ...plug({ node: outside.snatNode, bridge: 'br-ex', name: 'x-snat', namespace: kSnat, device: 'out' }, outside),
    ip(kSnat, 'address', 'add', `${outside.gateway}/${outside.prefixBits}`, 'dev', 'out'),
    nat(kSnat, `out oifname "out" snat to ${outside.gateway}`),
    ...networks.flatMap((network) => sgCommands(picture, network)),
  ];
}

/** The way to source NAT from every copy of the router, and back from there to every VM. */
function sgCommands({ outside: { snatNode }, nodes, vms }: Picture, network: PictureNetwork): Command[] {
  const { name, sg, prefixBits } = network;
  const [device, end] = [`sg-${name}`, `s-${name}`];
  const { vtep } = named(nodes, snatNode);
  return [
    ...plug({ node: snatNode, bridge: `br-${name}`, name: end, namespace: kSnat, device }, network),
    ip(kSnat, 'link', 'set', device, 'address', sg.mac),
    ip(kSnat, 'address', 'add', `${sg.ip}/${prefixBits}`, 'dev', device),
    bridge(snatNode, 'link', 'set', 'dev', end, 'learning', 'off'),
    bridge(snatNode, 'fdb', 'replace', sg.mac, 'dev', end, 'master', 'static'),
    ...nodes.filter((node) => node.name !== snatNode)
      .flatMap((node) => remoteMacCommands(node.name, `vx-${name}`, sg.mac, vtep)),
    ...nodes.flatMap((node) => toSgCommands(routerOf(node.name), network)),
    ...vms.filter((vm) => vm.network === name).map((vm) => neighbour(kSnat, vm.ip, vm.mac, device)),
  ];
}

function toSgCommands(router: string, { name, cidr, vni, sg }: PictureNetwork): Command[] {
  const [device, table] = [`qr-${name}`, `${vni}`];
  return [
    neighbour(router, sg.ip, sg.mac, device),
    ip(router, 'rule', 'add', 'priority', kSnatPriority, 'from', cidr, 'lookup', table),
    ip(router, 'route', 'add', 'default', 'via', sg.ip, 'dev', device, 'table', table),
  ];
}

function fipCommands({ outside }: Picture, node: string): Command[] {
  const here = outside.floatingIps.filter((one) => one.node === node);
  const [router, fip, mtu] = [routerOf(node), fipOf(node), `${outside.mtuBytes}`];
  return [
    ...namespaceCommands(fip, { forwarding: true }),
    ...plug({ node, bridge: 'br-ex', name: 'x-fip', namespace: fip, device: 'out' }, outside),
    ip(router, 'link', 'add', 'rfp', 'mtu', mtu, 'type', 'veth', 'peer', 'name', 'fpr', 'mtu', mtu, 'netns', fip),
    ip(router, 'link', 'set', 'rfp', 'up'),
    ip(fip, 'link', 'set', 'fpr', 'up'),
    ip(router, 'address', 'add', `${kRfp}/31`, 'dev', 'rfp'),
    ip(fip, 'address', 'add', `${kFpr}/31`, 'dev', 'fpr'),
    ip(router, 'route', 'add', 'default', 'via', kFpr, 'dev', 'rfp', 'table', kFipTable),
    nat(fip, ...here.flatMap((one) => [
      `in ip daddr ${one.ip} dnat to ${one.fixedIp}`,
      `out oifname "out" ip saddr ${one.fixedIp} snat to ${one.ip}`,
    ])),
    ...here.flatMap((one) => [
      ip(fip, 'address', 'add', `${one.ip}/${outside.prefixBits}`, 'dev', 'out'),
      ip(fip, 'route', 'add', one.fixedIp, 'via', kRfp, 'dev', 'fpr'),
      ip(router, 'rule', 'add', 'priority', kFipPriority, 'from', one.fixedIp, 'lookup', kFipTable),
    ]),
  ];
}
