/**
 * The one picture that every peer builds: nodes, networks with their gateways, VMs. Read from the lab's
 * default topology, so that a peer is compared with what the lab really is.
 */
import { macOf, nthHost, prefixBitsOf, type IpAddress } from '../../src/model/addresses.js';
import type { Topology } from '../../src/model/topology.js';

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
}

/** Halves of MACs as the controller gives them out, so that peers differ from the lab in nothing. */
const kVmOui = 'fa:16:3e';
const kNodeOui = '02:bb:00';
const kFirstGatewayMac = 0x100;
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
        name, vni, cidr: subnet.cidr, gateway: gatewayOf(subnet.cidr), prefixBits: prefixBitsOf(subnet.cidr),
        mtuBytes: wish ?? mtuBytes - kTunnelBytes, gatewayMac: macOf(kVmOui, kFirstGatewayMac + index),
      };
    }),
    vms: topology.ports.map(({ name, network, node, ips: [ip] }, index) => {
      if (node === undefined || ip === undefined) throw new Error(`port ${name} needs a node and an address`);
      return { name, network, node, ip, mac: macOf(kVmOui, index + 1) };
    }),
  };
}

function gatewayOf(cidr: Topology['underlay']['cidr']): IpAddress {
  const first = nthHost(cidr, 1n);
  if (first === undefined) throw new Error(`${cidr} has no first address`);
  return first;
}

/** The one with this name. @throws if there is none. */
export function named<Thing extends { readonly name: string }>(
  things: readonly Thing[], name: string,
): Thing {
  const found = things.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new Error(`there is no "${name}", only ${things.map((one) => one.name).join(', ')}`);
}
