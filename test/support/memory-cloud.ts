/**
 * A cloud in memory: the real controller state, the real programs and the real addon, with memory ports
 * instead of TAPs and a function instead of the kernel's router namespace. What leaves by the tunnel of one
 * node enters by the tunnel of the other, until nothing moves any more; every hop becomes a line of text.
 */
import { readFileSync } from 'node:fs';
import { allocateIds, noIds, type LocalIds } from '../../src/agents/local-ids.js';
import { brIntProgram } from '../../src/agents/l2/br-int-program.js';
import { brTunProgram } from '../../src/agents/l2/br-tun-program.js';
import { portsProgram } from '../../src/agents/l2/ports-program.js';
import { routerProgram } from '../../src/agents/l3/router-program.js';
import type { RouterWay } from '../../src/agents/l3/router-ways.js';
import { emptyState, step } from '../../src/controller/state.js';
import { viewsOf } from '../../src/controller/views.js';
import type { TraceRecord } from '../../src/dataplane/interface.js';
import { addon, type NativeAddon } from '../../src/dataplane/native.js';
import { stages } from '../../src/dataplane/pipeline.js';
import { admitRows, encodeBatch, replaceAll } from '../../src/dataplane/rows.js';
import { DvrError } from '../../src/model/errors.js';
import type { NodeView, PortView, RouterView } from '../../src/model/node-view.js';
import { parseTopology } from '../../src/model/topology.js';
import { decodeFrame } from '../../src/trace/frame.js';

const kTunnelPort = 1;
/** More hops than any walk has; a loop ends here and shows in the text. */
const kMaxHops = 32;

interface MemoryNode {
  readonly view: NodeView;
  readonly ids: LocalIds;
  readonly dataplane: InstanceType<NativeAddon['MemoryDataplane']>;
}

interface Arrival { readonly node: string; readonly inPort: number; readonly frame: Uint8Array; readonly vtep?: string }

export class MemoryCloud {
  private readonly nodes = new Map<string, MemoryNode>();

  /** @param way that every router's traffic takes. */
  constructor(topologyFile: string, way: RouterWay['way'] = 'namespace') {
    for (const view of views(topologyFile)) {
      const ids = allocateIds(noIds, view, new Set()).ids;
      const dataplane = new (addon().MemoryDataplane)();
      const rows = [
        ...[brIntProgram, brTunProgram, portsProgram].flatMap((program) => program(view, ids)),
        ...routerProgram(view, ids, new Map(view.routers.map(({ id }) => [id, { way, why: 'the test says so' }]))),
      ];
      dataplane.apply(encodeBatch(view.generation, replaceAll(admitRows(rows).rows)));
      this.nodes.set(view.node.name, { view, ids, dataplane });
    }
  }

  /** The port of that name, wherever it is bound. */
  port(name: string): PortView & { readonly node: string } {
    for (const { view } of this.nodes.values())
      for (const network of view.networks)
        for (const port of network.ports)
          if (port.name === name && port.node !== undefined) return { ...port, node: port.node };
    throw new Error(`no port ${name}`);
  }

  gatewayMac(portName: string): string {
    const { node } = this.port(portName);
    const networks = this.at(node).view.networks.filter((network) => network.ports.some((port) => port.name === portName));
    return networks[0]?.routerInterfaces[0]?.mac ?? 'no gateway';
  }

  dvrMac(node: string): string { return this.at(node).view.node.dvrMac; }

  vtepOf(node: string): string { return this.at(node).view.node.vtepIp; }

  /** Lets a port send a frame and tells, line by line, what becomes of it everywhere. */
  send(portName: string, frame: Uint8Array): string[] {
    const { node } = this.port(portName);
    return this.follow({ node, inPort: this.at(node).ids.ports[`vm/${portName}`] ?? 0, frame });
  }

  /** The same for a VXLAN datagram's payload that arrives at a node from `vtep`. */
  receive(node: string, vtep: string, datagram: Uint8Array): string[] {
    return this.follow({ node, inPort: kTunnelPort, frame: datagram, vtep });
  }

  private follow(first: Arrival): string[] {
    const lines: string[] = [];
    const waiting = [first];
    for (let hops = 0; waiting.length > 0; ++hops) {
      if (hops === kMaxHops) return [...lines, 'this never ends'];
      const arrival = waiting.shift() as Arrival;
      waiting.push(...this.pass(arrival, lines));
    }
    return lines;
  }

  private pass({ node, inPort, frame, vtep }: Arrival, lines: string[]): Arrival[] {
    const memoryNode = this.at(node);
    const result = memoryNode.dataplane.run({ inPort, frame, ...(vtep === undefined ? {} : { vtep }) });
    lines.push(...this.describePassage(node, result.records));
    if (result.verdict === 'drop') lines.push(`${node} drop    ${result.dropReason ?? '?'}`);
    return result.out.flatMap((out) => {
      if (out.port === kTunnelPort) return this.across(node, out, lines);
      const name = this.portName(memoryNode, out.port);
      lines.push(`${node} output  ${name}  ${this.describeFrame(out.frame)}`);
      return name.startsWith('qr/') ? this.routed(memoryNode, name, out.frame, lines) : [];
    });
  }

  private across(from: string, out: { readonly vtep?: string; readonly frame: Uint8Array }, lines: string[]): Arrival[] {
    const to = [...this.nodes.values()].find(({ view }) => view.node.vtepIp === out.vtep)?.view.node.name;
    const vni = (out.frame[4] ?? 0) << 16 | (out.frame[5] ?? 0) << 8 | (out.frame[6] ?? 0);
    lines.push(`${from} wire    ${to ?? out.vtep ?? '?'}  vni ${vni}  ${this.describeFrame(out.frame.subarray(8))}`);
    return to === undefined ? [] : [{ node: to, inPort: kTunnelPort, frame: out.frame, vtep: this.vtepOf(from) }];
  }

  /** What the kernel does in the namespace: connected route, permanent neighbour, TTL, MACs. */
  private routed(node: MemoryNode, inName: string, frame: Uint8Array, lines: string[]): Arrival[] {
    const router = node.view.routers.find(({ id }) => inName.startsWith(`qr/${id}/`)) as RouterView;
    const dst = decodeFrame(frame)?.ip?.dst;
    const network = node.view.networks.find(({ ports }) => ports.some(({ ips }) => dst !== undefined && ips.includes(dst)));
    const target = network?.ports.find(({ ips }) => dst !== undefined && ips.includes(dst));
    const out = router.interfaces.find((each) => each.network === network?.name);
    if (target === undefined || out === undefined) return [];
    const routed = Buffer.from(frame);
    Buffer.from(target.mac.replaceAll(':', ''), 'hex').copy(routed, 0);
    Buffer.from(out.mac.replaceAll(':', ''), 'hex').copy(routed, 6);
    const ttlAt = routed.readUInt16BE(12) === 0x86dd ? 21 : 22;
    const ttl = routed[ttlAt] ?? 0;
    if (ttl <= 1) {
      lines.push(`${node.view.node.name} router  ${router.id}: answers that the time is exceeded`);
      return [];
    }
    routed[ttlAt] = ttl - 1;
    lines.push(`${node.view.node.name} router  ${router.id}: ${inName.split('/')[2] ?? ''} to ${out.network}`);
    return [{ node: node.view.node.name, inPort: node.ids.ports[`qr/${router.id}/${out.network}`] ?? 0, frame: routed }];
  }

  private describePassage(node: string, records: readonly TraceRecord[]): string[] {
    const lines: string[] = [];
    for (const record of records) {
      const bridge = stages.find(({ name }) => name === record.stage)?.bridge ?? '?';
      const steps = lines.at(-1)?.startsWith(`${node} ${bridge} `) === true;
      if (steps) lines[lines.length - 1] += ` · ${record.stage}`;
      else lines.push(`${node} ${bridge}  ${record.stage}`);
    }
    return lines;
  }

  describeFrame(bytes: Uint8Array): string {
    const frame = decodeFrame(bytes);
    if (frame === undefined) return '(no frame)';
    const macs = `${this.macName(frame.srcMac)} > ${this.macName(frame.dstMac)}`;
    if (frame.arp !== undefined)
      return `${macs}  arp ${frame.arp.operation === 1 ? 'who has' : 'reply'} ${frame.arp.operation === 1 ? frame.arp.targetIp : `${frame.arp.senderIp} is ${this.macName(frame.arp.senderMac)}`}`;
    if (frame.ip !== undefined) return `${macs}  ${frame.ip.src} > ${frame.ip.dst} ttl ${frame.ip.ttl}`;
    return macs;
  }

  private macName(mac: string): string {
    if (mac === 'ff:ff:ff:ff:ff:ff') return 'everybody';
    for (const { view } of this.nodes.values()) {
      if (view.node.dvrMac === mac) return `${view.node.name}-dvr-mac`;
      for (const network of view.networks) {
        const router = network.routerInterfaces.find((each) => each.mac === mac);
        if (router !== undefined) return `${router.routerId}-${network.name}-mac`;
        const port = network.ports.find((each) => each.mac === mac);
        if (port !== undefined) return port.name;
      }
    }
    return mac;
  }

  private portName({ ids }: MemoryNode, id: number): string {
    return Object.entries(ids.ports).find(([, number]) => number === id)?.[0] ?? `port ${id}`;
  }

  private at(node: string): MemoryNode {
    const found = this.nodes.get(node);
    if (found === undefined) throw new Error(`no node ${node}`);
    return found;
  }
}

/** The views of a topology in which every declared port is bound. */
function views(topologyFile: string): NodeView[] {
  const topology = parseTopology(readFileSync(topologyFile, 'utf8'), topologyFile);
  let state = done(step(emptyState, { command: 'applyTopology', topology }));
  for (const port of topology.ports)
    if (port.node !== undefined) state = done(step(state, { command: 'bindPort', name: port.name, node: port.node }));
  return [...viewsOf(state.intent).content.values()].map((content) => ({ ...content, generation: state.intent.generation }));
}

function done(result: ReturnType<typeof step>): typeof emptyState {
  if (result instanceof DvrError) throw result;
  return result.state;
}
