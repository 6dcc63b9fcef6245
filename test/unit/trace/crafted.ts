/**
 * Builders for walks: the default topology's views, and trace records as the dataplane would make them.
 * A frame is given by what differs; MACs by whose they are.
 */
import type { TraceRecord } from '../../../src/dataplane/interface.js';
import { dropReasons, stages } from '../../../src/dataplane/pipeline.js';
import type { NodeIds } from '../../../src/model/node-call.js';
import type { NetworkView, NodeView } from '../../../src/model/node-view.js';
import { echoFrame } from '../../../src/trace/echo.js';
import type { NodeTrace, WalkEnd, WalkInput } from '../../../src/trace/walk-model.js';

export const macs = {
  vm1: 'fa:16:3e:00:00:01',
  vm2: 'fa:16:3e:00:00:02',
  vm3: 'fa:16:3e:00:00:03',
  vm4: 'fa:16:3e:00:00:04',
  r1Red: 'fa:16:3e:00:01:01', r1Green: 'fa:16:3e:00:02:01',
  dvrCn1: 'fa:16:3f:00:00:01', dvrCn2: 'fa:16:3f:00:00:02', dvrNn1: 'fa:16:3f:00:00:03',
} as const;
/** Of the devices that lead outside. */
export const outsideMacs = {
  sgRed: 'fa:16:3e:00:01:05', qg: 'fa:16:3e:00:0f:20', fgCn1: 'fa:16:3e:00:0f:21', fgCn2: 'fa:16:3e:00:0f:22',
  fgNn1: 'fa:16:3e:00:0f:23', upstream: '02:00:00:00:00:99',
} as const;
export const vteps = {
  cn1: '172.16.0.11', cn2: '172.16.0.12', nn1: '172.16.0.21', leaf1: '172.16.0.99',
} as const;
const allMacs = { ...macs, ...outsideMacs };
export type MacName = keyof typeof allMacs;
const dvrMacs = { cn1: macs.dvrCn1, cn2: macs.dvrCn2, nn1: macs.dvrNn1 } as const;
export type NodeName = keyof typeof dvrMacs;

export const vms = {
  vm1: { name: 'vm1', ip: '10.1.0.11', network: 'red', node: 'cn1' },
  vm2: { name: 'vm2', ip: '10.2.0.12', network: 'green', node: 'cn2' },
  vm3: { name: 'vm3', ip: '10.1.0.13', network: 'red', node: 'cn2' },
  vm4: { name: 'vm4', ip: '10.2.0.14', network: 'green', node: 'cn1' },
} as const satisfies Record<string, WalkEnd>;

const ipv6Of: Readonly<Record<string, string>> = {
  vm1: 'fd01::11', vm2: 'fd02::12', vm3: 'fd01::13', vm4: 'fd02::14',
};

function network(name: 'red' | 'green', vni: number, net: number): NetworkView {
  const ports = Object.values(vms).filter((vm) => vm.network === name);
  return {
    name,
    vni,
    mtuBytes: 1500,
    subnets: [
      { cidr: `10.${net}.0.0/24`, gatewayIp: `10.${net}.0.1` },
      { cidr: `fd0${net}::/64`, gatewayIp: `fd0${net}::1` },
    ],
    ports: ports.map((vm) => ({
      name: vm.name,
      mac: macs[vm.name],
      ips: [vm.ip, ipv6Of[vm.name] ?? ''],
      node: vm.node,
      allowedAddressPairs: [],
    })),
    routerInterfaces: [
      {
        routerId: 'r1',
        mac: name === 'red' ? macs.r1Red : macs.r1Green,
        addresses: [`10.${net}.0.1/24`, `fd0${net}::1/64`],
      },
    ],
    floodVteps: [vteps.cn1, vteps.cn2],
  };
}

export function viewOf(name: NodeName): NodeView {
  const peers = (['cn1', 'cn2', 'nn1'] as const).filter((peer) => peer !== name)
    .map((peer) => ({ name: peer, vtepIp: vteps[peer], dvrMac: dvrMacs[peer], interop: false }));
  return {
    generation: 1, node: { name, vtepIp: vteps[name], dvrMac: dvrMacs[name] },
    peers: [...peers, { name: 'leaf1', vtepIp: vteps.leaf1, interop: true }],
    networks: [network('red', 101, 1), network('green', 102, 2)],
    routers: [], localPorts: [],
  };
}

/** Ports 16 and 17 are the node's VMs in red and green, 18 and 19 the router's devices there. */
export function idsOf(name: NodeName): NodeIds {
  const vmIn = (of: string): string =>
    Object.values(vms).find((vm) => vm.network === of && vm.node === name)?.name ?? 'none';
  const [red, green] = { cn1: [1, 2], cn2: [7, 8], nn1: [4, 5] }[name] as [number, number];
  return {
    ports: [
      { id: 16, name: vmIn('red'), kind: 'vm', network: 'red' },
      { id: 17, name: vmIn('green'), kind: 'vm', network: 'green' },
      { id: 18, name: 'r1', kind: 'router', network: 'red' },
      { id: 19, name: 'r1', kind: 'router', network: 'green' },
    ],
    localVlans: [{ network: 'red', localVlan: red }, { network: 'green', localVlan: green }],
    routerNumbers: [{ router: 'r1', number: 1 }],
  };
}

export interface Shape {
  readonly src?: MacName; readonly dst?: MacName;
  readonly ttl?: number; readonly localVlan?: number; readonly vni?: number; readonly vtep?: string;
  readonly outPort?: number; readonly dropReason?: string;
}

/** One passage: a first shape, then `[stage, next, what it changes]` in order, 0.1 µs apart. */
export class PassageBuilder {
  readonly records: TraceRecord[] = [];
  #shape: Shape;
  #timeNs: number;

  constructor(
    readonly ends: { from: WalkEnd; to: WalkEnd; type?: number },
    readonly passage: number,
    readonly inPort: number,
    startUs: number,
    first: Shape,
  ) {
    this.#shape = first;
    this.#timeNs = startUs * 1000;
  }

  through(...passed: readonly (readonly [stage: string, next: string, change?: Shape])[]): this {
    for (const [stage, next, change = {}] of passed) {
      const before = this.#shape;
      const after = { ...before, ...change };
      this.#shape = after;
      this.records.push({
        timeNs: this.#timeNs,
        passage: this.passage,
        stage,
        next,
        inPort: this.inPort,
        outPort: after.outPort ?? 0,
        localVlan: { before: before.localVlan ?? 0, after: after.localVlan ?? 0 },
        vni: after.vni ?? 0,
        vtep: after.vtep ?? '',
        before: this.#frame(before),
        after: this.#frame(after),
        frameBytes: 98,
        gsoBytes: 0,
        copyToPorts: [],
        copyToVteps: [],
        ...(after.dropReason === undefined ? {} : { dropReason: after.dropReason }),
      });
      this.#timeNs += 100;
    }
    return this;
  }

  #frame({ src, dst, ttl }: Shape): string {
    const frame = echoFrame({
      srcMac: allMacs[src ?? 'vm1'],
      dstMac: allMacs[dst ?? 'vm2'],
      srcIp: this.ends.from.ip,
      dstIp: this.ends.to.ip,
      ttl: ttl ?? 64, id: 1, sequence: 1, marker: Buffer.alloc(16, 7),
    });
    if (this.ends.type !== undefined) frame[frame[12] === 0x08 ? 34 : 54] = this.ends.type;
    return frame.toString('base64');
  }
}

export function traceOf(name: NodeName, ...passages: readonly PassageBuilder[]): NodeTrace {
  return {
    records: passages.flatMap(({ records }) => records),
    lost: 0,
    ids: idsOf(name),
    view: viewOf(name),
  };
}

export function inputOf(
  source: WalkEnd, destination: WalkEnd, nodes: readonly NodeTrace[], more: Partial<WalkInput> = {},
): WalkInput {
  return { source, destination, nodes, unanswered: [], pipeline: { stages, dropReasons }, ...more };
}

/** vm1 on cn1 to its gateway: EW1. */
export const toRouter = (ends: { from: WalkEnd; to: WalkEnd }): PassageBuilder =>
  new PassageBuilder(ends, 1, 16, 100, { src: 'vm1', dst: 'r1Red' })
  .through(['classify', 'anti_spoof', { localVlan: 1 }],
  ['anti_spoof', 'arp_responder'],
  ['arp_responder', 'find_router'],
  ['find_router', 'route'],
  ['route', 'output', { outPort: 18 }]);

/** vm1 on cn1 through r1 in the fast path and into the tunnel: EW1 to EW5 in one passage. */
export const routedInFastPath = (ends: { from: WalkEnd; to: WalkEnd }): PassageBuilder =>
  new PassageBuilder(ends, 1, 16, 100, { src: 'vm1', dst: 'r1Red' })
  .through(['classify', 'anti_spoof', { localVlan: 1 }],
  ['anti_spoof', 'arp_responder'],
  ['arp_responder', 'find_router'],
  ['find_router', 'route'],
  ['route', 'switch', { src: 'r1Green', dst: 'vm2', ttl: 63, localVlan: 2 }],
  ['switch', 'dvr_process'],
    ['dvr_process', 'ucast_to_tun', { src: 'dvrCn1' }],
    ['ucast_to_tun', 'vxlan_encap', { vtep: vteps.cn2 }],
    ['vxlan_encap', 'output', { localVlan: 0, vni: 102, outPort: 1 }]);

/** Out of r1's green device on cn1 and into the tunnel: EW4, EW5. */
export const routedToTunnel = (ends: { from: WalkEnd; to: WalkEnd }): PassageBuilder =>
  new PassageBuilder(ends, 2, 19, 115, { src: 'r1Green', dst: 'vm2', ttl: 63 })
  .through(['classify', 'arp_responder', { localVlan: 2 }],
  ['arp_responder', 'find_router'],
  ['find_router', 'switch'],
  ['switch', 'dvr_process'],
    ['dvr_process', 'ucast_to_tun', { src: 'dvrCn1' }],
    ['ucast_to_tun', 'vxlan_encap', { vtep: vteps.cn2 }],
    ['vxlan_encap', 'output', { localVlan: 0, vni: 102, outPort: 1 }]);

/** Out of the tunnel on cn2 to vm2: EW6, EW7. */
export const routedFromTunnel = (ends: { from: WalkEnd; to: WalkEnd }): PassageBuilder =>
  new PassageBuilder(ends, 1, 1, 160, { src: 'dvrCn1', dst: 'vm2', ttl: 63, vtep: vteps.cn1 })
  .through(['vxlan_decap', 'tun_to_lv', { vni: 102 }],
  ['tun_to_lv', 'classify', { vni: 0, localVlan: 8 }],
  ['classify', 'dvr_to_src_mac'],
    ['dvr_to_src_mac', 'output', { src: 'r1Green', outPort: 17 }]);
