/**
 * The same picture with nothing but the kernel, as well as one can build it: the yardstick.
 *
 *     kernel-vm1                kernel-cn1                         kernel-cn1-router
 *       eth0 ════ vm1 ─┬─ bridge br-red ─┬─ r-red ═══════════════════ qr-red    gateway MAC
 *                      │                 └─ vx-red  (vxlan, VNI)      │ forwarding
 *       eth0 ════ vm4 ─┬─ bridge br-green ┬─ r-green ════════════════ qr-green  gateway MAC
 *                      │                  └─ vx-green ── u0 ══ underlay
 *
 * A routed packet goes VM, bridge, router namespace on the sender's node, the other bridge, vxlan, as ours
 * does when it takes the namespace. Nothing is learned and nothing is flooded: FDB rows and neighbours are
 * static, the vxlan device answers ARP for VMs elsewhere. Each router has the same gateway MACs, pinned to
 * its port. Offloads are what the kernel sets; bridges call no iptables (fabric.ts). The way out: kernel-outside.ts.
 */
import type { Commands } from '../commands.js';
import { named, type Picture, type PictureNetwork, type PictureNode, type PictureVm } from '../picture.js';
import { type Command, fabricCommands, ip, namespaceCommands, vmCommands } from './fabric.js';
import { at, bridge, kPeer, neighbour, remoteMacCommands, routerOf } from './kernel-names.js';
import { outsideCommands, outsideNamespaces } from './kernel-outside.js';
import type { Peer } from './peer.js';

const kVxlanPort = '4789';

export function kernelPeer(commands: Commands, picture: Picture): Peer {
  return {
    name: kPeer,
    title: 'kernel bridge, vxlan and router namespaces',
    leadsOutside: true,
    namespaceOf: at,
    missing: () => Promise.resolve(undefined),
    up: async () => { for (const command of kernelCommands(picture)) await commands.run(command); },
    down: async () => {
      for (const name of kernelNamespaces(picture)) await commands.try(['ip', 'netns', 'delete', name]);
    },
  };
}

/** All there is to do, in order. */
export function kernelCommands(picture: Picture): Command[] {
  return [
    ...fabricCommands(kPeer, picture),
    ...picture.nodes.flatMap((node) => nodeCommands(picture, node)),
    ...picture.vms.flatMap((vm) => portCommands(picture, vm)),
    ...outsideCommands(picture),
  ];
}

function kernelNamespaces(picture: Picture): string[] {
  const { nodes, vms } = picture;
  const ofNodes = nodes.flatMap(({ name }) => [routerOf(name), at(name)]);
  return [...vms.map(({ name }) => at(name)), ...outsideNamespaces(picture), ...ofNodes, at('fabric')];
}

function nodeCommands(picture: Picture, node: PictureNode): Command[] {
  const others = picture.nodes.filter((other) => other !== node);
  return [
    ip(at(node.name), 'address', 'add', `${node.vtep}/${node.prefixBits}`, 'dev', 'u0'),
    ...others.map((other) =>
      neighbour(at(node.name), other.vtep, other.mac, 'u0')),
    ...namespaceCommands(routerOf(node.name), { forwarding: true }),
    ...picture.networks.flatMap((network) => networkCommands(node, network)),
  ];
}

function networkCommands(node: PictureNode, network: PictureNetwork): Command[] {
  const { name, vni, mtuBytes, gateway, prefixBits, gatewayMac } = network;
  const here = at(node.name);
  const router = routerOf(node.name);
  const mtu = `${mtuBytes}`;
  return [
    ip(here, 'link', 'add', `br-${name}`, 'mtu', mtu, 'type', 'bridge', 'ageing_time', '0',
      'mcast_snooping', '0'),
    ip(here, 'link', 'set', `br-${name}`, 'up'),
    ip(here, 'link', 'add', `vx-${name}`, 'mtu', mtu, 'type', 'vxlan', 'id', `${vni}`, 'local', node.vtep,
      'dev', 'u0', 'dstport', kVxlanPort, 'nolearning', 'proxy'),
    ip(here, 'link', 'set', `vx-${name}`, 'master', `br-${name}`, 'up'),
    bridge(node.name, 'link', 'set', 'dev', `vx-${name}`, 'learning', 'off'),
    ip(here, 'link', 'add', `r-${name}`, 'mtu', mtu, 'type', 'veth',
      'peer', 'name', `qr-${name}`, 'address', gatewayMac, 'mtu', mtu, 'netns', router),
    ip(here, 'link', 'set', `r-${name}`, 'master', `br-${name}`, 'up'),
    bridge(node.name, 'link', 'set', 'dev', `r-${name}`, 'learning', 'off'),
    bridge(node.name, 'fdb', 'replace', gatewayMac, 'dev', `r-${name}`, 'master', 'static'),
    ip(router, 'link', 'set', `qr-${name}`, 'up'),
    ip(router, 'address', 'add', `${gateway}/${prefixBits}`, 'dev', `qr-${name}`),
  ];
}

function portCommands(picture: Picture, vm: PictureVm): Command[] {
  const home = at(vm.node);
  const mtu = `${named(picture.networks, vm.network).mtuBytes}`;
  return [
    ...namespaceCommands(at(vm.name)),
    ip(home, 'link', 'add', vm.name, 'mtu', mtu, 'type', 'veth',
      'peer', 'name', 'eth0', 'netns', at(vm.name)),
    ip(home, 'link', 'set', vm.name, 'master', `br-${vm.network}`, 'up'),
    bridge(vm.node, 'link', 'set', 'dev', vm.name, 'learning', 'off'),
    bridge(vm.node, 'fdb', 'replace', vm.mac, 'dev', vm.name, 'master', 'static'),
    ...vmCommands(kPeer, picture, vm),
    ...picture.nodes.map(({ name }) => neighbour(routerOf(name), vm.ip, vm.mac, `qr-${vm.network}`)),
    ...picture.nodes.filter(({ name }) => name !== vm.node)
      .flatMap(({ name }) => remoteCommands(picture, vm, name)),
  ];
}

/** What a node must know of a VM that is elsewhere. */
function remoteCommands(picture: Picture, vm: PictureVm, elsewhere: string): Command[] {
  const device = `vx-${vm.network}`;
  const { vtep } = named(picture.nodes, vm.node);
  return [
    ...remoteMacCommands(elsewhere, device, vm.mac, vtep),
    neighbour(at(elsewhere), vm.ip, vm.mac, device),
  ];
}
