/**
 * What a topology becomes on one machine: which namespaces, with which names, addresses and MTUs.
 * Pure; the scripts in scripts/lab make it, up.ts calls them.
 */
import { DvrError } from '../model/errors.js';
import {
  deviceName, hostNamespace, labMac, type OutsidePlan, type OutsideTopology, planOutside, underlayWire, upstreamNamespace,
} from './outside.js';

/** The part of a topology that a lab is made of. */
export interface LabTopology extends OutsideTopology {
  readonly wire: 'segments' | 'super';
  readonly underlay: { readonly cidr: string; readonly mtuBytes: number };
  readonly nodes: readonly (OutsideTopology['nodes'][number] & { readonly vtepIp: string; readonly underlayMtuBytes: number;
    readonly networkNode?: boolean;
  })[];
  readonly networks: readonly { readonly name: string; readonly subnets: readonly { readonly cidr: string }[] }[];
  readonly ports: readonly { readonly name: string; readonly network: string; readonly node?: string }[];
}

export interface NodePlan {
  readonly name: string;
  readonly namespace: string;
  readonly vtepIp: string;
  /** With the length of the underlay's prefix, as `ip address` takes it. */
  readonly vtepAddress: string;
  readonly mtuBytes: number;
  /** Made from the name, so that a node made anew is still who its peers' neighbour tables say. */
  readonly mac: string;
  /** The fabric's end of the node's veth. */
  readonly fabricPort: string;
  readonly isNetworkNode: boolean;
}

export interface VmPlan {
  readonly name: string;
  /** What is plugged in: in a topology each VM is called as its port is. */
  readonly port: string;
  readonly namespace: string;
  readonly node: string;
  /** Whether the network has an IPv6 subnet; elsewhere IPv6 is off. */
  readonly ipv6: boolean;
}

export interface LabPlan {
  readonly wire: 'segments' | 'super';
  readonly fabricMtuBytes: number;
  readonly nodes: readonly NodePlan[];
  readonly vms: readonly VmPlan[];
  /** Absent where the topology has no external network. */
  readonly outside?: OutsidePlan;
}

export const namespacePrefix = 'dvr-';
export const fabricNamespace = `${namespacePrefix}fabric`;
/** What the names of namespaces inside nodes begin with. */
const innerPrefixes = ['qrouter-', 'snat-', 'fip-'];

/** @throws DvrError DVR_TOPOLOGY_INVALID where two things would need one namespace. */
export function planLab(topology: LabTopology): LabPlan {
  const length = topology.underlay.cidr.slice(topology.underlay.cidr.indexOf('/') + 1);
  const nodes = topology.nodes.map((node) => ({
    name: node.name,
    namespace: namespacePrefix + node.name,
    vtepIp: node.vtepIp,
    vtepAddress: `${node.vtepIp}/${length}`,
    mtuBytes: node.underlayMtuBytes,
    mac: labMac(node.name),
    fabricPort: deviceName('node', node.name, [underlayWire]),
    isNetworkNode: node.networkNode === true,
  }));
  const outside = planOutside(topology, namespacePrefix);
  const plan: LabPlan = {
    wire: topology.wire,
    // A bridge is as wide as its widest port; each node's own device says what the node may send.
    fabricMtuBytes: Math.max(topology.underlay.mtuBytes, ...nodes.map((node) => node.mtuBytes)),
    nodes,
    vms: topology.ports.flatMap((port) => vmOf(port, topology)),
    ...(outside === undefined ? {} : { outside }),
  };
  refuseSharedNames(plan);
  return plan;
}

/** Every name the lab gives in /run/netns, but for those of namespaces inside nodes. */
export function namespacesOf(plan: LabPlan): string[] {
  const outside = plan.outside === undefined ? [] : [hostNamespace, upstreamNamespace];
  return [fabricNamespace, ...outside, ...plan.nodes.map((node) => node.namespace), ...plan.vms.map((vm) => vm.namespace)];
}

/** Whether a name in /run/netns is that of a namespace inside the node. */
export function isInside(node: NodePlan, name: string): boolean {
  return innerPrefixes.some((prefix) => name.startsWith(publishedName(node, prefix)));
}

/** The name under which a namespace inside a node is seen outside. */
export function publishedName(node: NodePlan, inner: string): string {
  return `${node.namespace}-${inner}`;
}

function vmOf(port: LabTopology['ports'][number], topology: LabTopology): VmPlan[] {
  if (port.node === undefined) return [];
  const subnets = topology.networks.find((network) => network.name === port.network)?.subnets ?? [];
  const ipv6 = subnets.some((subnet) => subnet.cidr.includes(':'));
  return [{ name: port.name, port: port.name, namespace: namespacePrefix + port.name, node: port.node, ipv6 }];
}

export function refuseSharedNames(plan: LabPlan): void {
  const seen = new Set<string>();
  for (const name of namespacesOf(plan)) {
    if (seen.has(name) || plan.nodes.some((node) => isInside(node, name))) {
      throw new DvrError('DVR_TOPOLOGY_INVALID', `two things of the lab would be the namespace ${name}`,
        'give nodes and ports names that differ; "fabric", and with external networks "ext" and "upstream", are taken');
    }
    seen.add(name);
  }
}
