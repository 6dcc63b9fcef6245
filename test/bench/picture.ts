/**
 * The one picture that every peer builds: nodes, networks with their gateways, VMs. Read from the lab's
 * default topology, so that a peer is compared with what the lab really is.
 */
import { macOf, nthHost, prefixBitsOf, type IpAddress } from '../../src/model/addresses.js';
import type { Topology } from '../../src/model/topology.js';
import { outsideHost, type Scenario } from './catalog.js';

export interface PictureNode {
  readonly name: string;
  readonly vtep: string;
  readonly prefixBits: number;
  readonly mac: string;
}
export interface PictureNetwork {
  readonly name: string;
  readonly vni: number;
  readonly mtuBytes: number;
  readonly gateway: string;
  readonly cidr: string;
  readonly prefixBits: number;
  readonly gatewayMac: string;
  /** The device of source NAT in the network. */
  readonly sg: { readonly ip: string; readonly mac: string };
}
export interface PictureVm {
  readonly name: string;
  readonly network: string;
  readonly node: string;
  readonly ip: string;
  readonly mac: string;
}
export interface Picture {
  readonly underlayMtuBytes: number;
  readonly nodes: readonly PictureNode[];
  readonly networks: readonly PictureNetwork[];
  readonly vms: readonly PictureVm[];
  readonly outside: PictureOutside;
}

/** The network outside, and who is what in it. */
export interface PictureOutside {
  readonly mtuBytes: number;
  readonly prefixBits: number;
  /** A host there, which is not of the cloud. */
  readonly host: string;
  /** The address of all VMs without a floating IP, and the node that gives it to them. */
  readonly gateway: string;
  readonly snatNode: string;
  readonly floatingIps: readonly PictureFloatingIp[];
}
export interface PictureFloatingIp {
  readonly ip: string;
  readonly vm: string;
  readonly fixedIp: string;
  readonly node: string;
}

/** Halves of MACs as the controller gives them out, so that peers differ from the lab in nothing. */
const kVmOui = 'fa:16:3e';
const kNodeOui = '02:bb:00';
const kFirstGatewayMac = 0x100;
const kFirstSgMac = 0x200;
/** Numbers of hosts in their subnets: the outside host as in the lab, the others where the lab has nobody. */
const kOutsideHost = 10n;
const kOutsideGateway = 90n;
const kSg = 250n;
/** What VXLAN over IPv4 takes of each packet. */
const kTunnelBytes = 50;

/** @throws if peers cannot be built from the topology: it needs VNIs, a subnet each, and fixed addresses. */
export function pictureOf(topology: Topology): Picture {
  const { cidr, mtuBytes } = topology.underlay;
  return {
    underlayMtuBytes: mtuBytes,
    nodes: topology.nodes.map(({ name, vtepIp }, index) =>
      ({ name, vtep: vtepIp, prefixBits: prefixBitsOf(cidr), mac: macOf(kNodeOui, index + 1) })),
    networks: topology.networks.map(({ name, vni, mtuBytes: wish, subnets: [subnet] }, index) => {
      if (vni === undefined || subnet === undefined) {
        throw new Error(`network ${name} needs a vni and a subnet`);
      }
      return {
        name, vni, cidr: subnet.cidr, gateway: hostOf(subnet.cidr, 1n), prefixBits: prefixBitsOf(subnet.cidr),
        mtuBytes: wish ?? mtuBytes - kTunnelBytes, gatewayMac: macOf(kVmOui, kFirstGatewayMac + index),
        sg: { ip: hostOf(subnet.cidr, kSg), mac: macOf(kVmOui, kFirstSgMac + index) },
      };
    }),
    outside: outsideOf(topology),
    vms: topology.ports.map(({ name, network, node, ips: [ip] }, index) => {
      if (node === undefined || ip === undefined) throw new Error(`port ${name} needs a node and an address`);
      return { name, network, node, ip, mac: macOf(kVmOui, index + 1) };
    }),
  };
}

function outsideOf({ externalNetworks: [network], nodes, floatingIps, ports }: Topology): PictureOutside {
  const [subnet] = network?.subnets ?? [];
  const snatNode = nodes.find(({ networkNode }) => networkNode);
  if (network === undefined || subnet === undefined || snatNode === undefined) {
    throw new Error('the way outside needs an external network with a subnet, and a network node');
  }
  return {
    mtuBytes: network.mtuBytes, prefixBits: prefixBitsOf(subnet.cidr), snatNode: snatNode.name,
    host: hostOf(subnet.cidr, kOutsideHost), gateway: hostOf(subnet.cidr, kOutsideGateway),
    floatingIps: floatingIps.flatMap(({ ip, port }) => {
      const { name, node, ips: [fixedIp] } = named(ports, port ?? '');
      return node === undefined || fixedIp === undefined ? [] : [{ ip, vm: name, fixedIp, node }];
    }),
  };
}

function hostOf(cidr: Topology['underlay']['cidr'], number: bigint): IpAddress {
  const host = nthHost(cidr, number);
  if (host === undefined) throw new Error(`${cidr} has no address number ${number}`);
  return host;
}

/** Where traffic goes: to a VM's own address, or from outside to its floating IP. @throws if it has none. */
export function targetOf({ vms, outside }: Picture, { from, to }: Pick<Scenario, 'from' | 'to'>): string {
  if (to === outsideHost) return outside.host;
  if (from !== outsideHost) return named(vms, to).ip;
  const fip = outside.floatingIps.find(({ vm }) => vm === to);
  if (fip === undefined) throw new Error(`${to} has no floating IP`);
  return fip.ip;
}

/** The one with this name. @throws if there is none. */
export function named<Thing extends { readonly name: string }>(
  things: readonly Thing[], name: string,
): Thing {
  const found = things.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no "${name}", only ${things.map((one) => one.name).join(', ')}`);
}
