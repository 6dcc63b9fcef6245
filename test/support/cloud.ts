/**
 * What tests in a lab ask of the cloud and do to it: whose MAC is which, captures at many hops at once,
 * raw frames from a VM, VXLAN datagrams from a node, drop counts, another topology while it runs.
 */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import type { NetworkView, NodeView, PortView } from '../../src/model/node-view.js';
import { controllerSocket } from '../../src/model/paths.js';
import { decodeFrame, kVxlanPort, type Frame } from '../../src/trace/frame.js';
import type { CapturedPacket } from '../../src/trace/pcap.js';
import { run, type Capture, type Lab, type Ran } from './lab.js';

/** What the controller promises within seconds, it does within this time on a busy machine. */
const kWithinMs = 8000;
/** RFC 792. */
const kEchoReply = 0;
const kEchoRequest = 8;
const support = fileURLToPath(new URL('.', import.meta.url));

/** One captured frame: its headers, and its bytes for what headers do not tell. */
export interface Seen extends Frame {
  readonly data: Buffer;
  /** On the wire, without the preamble and the frame check sequence. */
  readonly bytes: number;
  readonly timeUs: number;
}

/** Where to capture: a place of the lab, a device there, and words for tcpdump. */
export type Hop = readonly [place: string, device: string, filter?: string];

export interface Names {
  readonly mac: (port: string) => string;
  readonly gatewayMac: (network: string, router?: string) => string;
  readonly dvrMac: (node: string) => string;
  readonly vtep: (node: string) => string;
  readonly localVlan: (node: string, network: string) => number;
  /** Of every router interface of the cloud. */
  readonly routerMacs: readonly string[];
  readonly dvrMacs: readonly string[];
}

/** The mode that the lab's routers are in (vitest.config.ts); `auto` where nothing is said. */
export const routing = process.env['DVR_ROUTING'] ?? 'auto';

/** What a capture inside a router namespace must have; on the fast way nothing passes there. */
export const ifInside = <T>(expected: readonly T[]): readonly T[] => (routing === 'fast' ? [] : expected);

/** The node and router of a hop inside a router namespace. */
const insideOf = ([place]: Hop): readonly string[] | undefined => /^dvr-(.+)-qrouter-(.+)$/.exec(place)?.slice(1);

/**
 * Captures at every hop while `act` runs; the answer has the frames of each hop in order. A router that
 * routes by itself is waited for until it shows its packets; one that is fast shows none and is not asked,
 * unless the traffic is one that takes the namespace whatever the mode: what leaves the cloud.
 */
export async function capture<K extends string>(
  lab: Lab, hops: Readonly<Record<K, Hop>>, act: () => Promise<unknown>, leavesTheCloud = false,
): Promise<Record<K, Seen[]>> {
  const all = Object.entries<Hop>(hops);
  const shown = all.filter(([, hop]) => leavesTheCloud || routing !== 'fast' || insideOf(hop) === undefined);
  const started = await Promise.all(shown.map(async ([name, hop]): Promise<[string, Capture]> =>
    [name, await lab.startCapture(...hop)]));
  for (const [, hop] of shown) if (routing !== 'fast') await untilShown(hop);
  await act();
  const seen = await Promise.all(started.map(async ([name, running]) =>
    [name, (await running.stop()).map(seenOf)] as const));
  const nothing = all.map(([name]): [string, Seen[]] => [name, []]);
  return Object.fromEntries([...nothing, ...seen]) as Record<K, Seen[]>;
}

async function untilShown(hop: Hop): Promise<void> {
  const [node, router] = insideOf(hop) ?? [];
  if (node === undefined) return;
  await within(`${hop[0]} shows what is routed`, async () => (await wayOf(node, router)).startsWith('namespace'));
}

function seenOf({ data, origlen, timeUs }: CapturedPacket): Seen {
  const frame = decodeFrame(data);
  if (frame === undefined) throw new Error(`no frame: ${data.toString('hex')}`);
  return { ...frame, data, bytes: origlen, timeUs };
}

/** Where a ping is seen on its way. br-int shows a frame once as it comes in and once as it goes out, by its local VLAN. */
export const hop = {
  vm: (vm: string): Hop => [`dvr-${vm}`, 'eth0', 'icmp'],
  brInt: (node: string): Hop => [node, 'br-int', 'vlan and icmp'],
  brTun: (node: string): Hop => [node, 'br-tun', 'icmp'],
  brEx: (node: string): Hop => [node, 'br-ex', 'icmp'],
  qr: (node: string, network: string, router = 'r1'): Hop => [`dvr-${node}-qrouter-${router}`, `qr-${network}`, 'icmp'],
};

/** Tells the requests of pings in a capture from their replies, each by what the test asks of a frame. */
export const pings = <T>(factsOf: (frame: Seen) => T): Record<'requests' | 'replies', (seen: readonly Seen[]) => T[]> => ({
  requests: (seen) => seen.filter(({ ip }) => ip?.icmp?.type === kEchoRequest).map(factsOf),
  replies: (seen) => seen.filter(({ ip }) => ip?.icmp?.type === kEchoReply).map(factsOf),
});

/** The frames inside VXLAN of a capture on the wire. */
export function innerOf(wire: readonly Seen[]): Frame[] {
  return wire.flatMap(({ ip }) => (ip?.vxlan?.inner === undefined ? [] : [ip.vxlan.inner]));
}

/** The whole wire between nodes, VXLAN only: what the fabric's own ARP says is no business of these tests. */
export const wire: Hop = ['fabric', 'underlay', `udp port ${kVxlanPort}`];

export async function names(): Promise<Names> {
  const client = controllerClient();
  const nodes = await client.nodes();
  const views = new Map(await Promise.all(nodes.map(async ({ name }) => [name, await client.view(name)] as const)));
  const ids = new Map(await Promise.all(nodes.map(async ({ name }) => [name, await client.nodeCall(name, 'ids')] as const)));
  const networks = [...views.values()].flatMap((view) => view.networks);
  const nodeView = (node: string): NodeView => found(views.get(node), `node ${node}`);
  const ports = (await client.ports());
  return {
    mac: (name) => found(ports.find((port) => port.name === name), `port ${name}`).mac,
    gatewayMac: (network, router = 'r1') => found(interfacesOf(networks, network).find(({ routerId }) => routerId === router), `${router} on ${network}`).mac,
    dvrMac: (node) => found(nodeView(node).node.dvrMac, `DVR MAC of ${node}`),
    vtep: (node) => nodeView(node).node.vtepIp,
    localVlan: (node, network) => found(ids.get(node)?.localVlans.find((one) => one.network === network), `${network} on ${node}`).localVlan,
    routerMacs: [...new Set(networks.flatMap(({ routerInterfaces }) => routerInterfaces.map(({ mac }) => mac)))],
    dvrMacs: [...views.values()].flatMap(({ node }) => node.dvrMac ?? []),
  };
}

const interfacesOf = (networks: readonly NetworkView[], name: string): NetworkView['routerInterfaces'] =>
  networks.filter((network) => network.name === name).flatMap(({ routerInterfaces }) => routerInterfaces);

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the lab has no ${what}`);
  return value;
}

/** The port as that node's view has it; undefined where the node need not know it. */
export async function portInView(node: string, name: string): Promise<PortView | undefined> {
  const view = await controllerClient().view(node);
  return view.networks.flatMap(({ ports }) => ports).find((port) => port.name === name);
}

/** The rows of one table of a node. */
export async function rows(node: string, table: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const dumps = await controllerClient().nodeCall(node, 'tables');
  return dumps.find((dump) => dump.table === table)?.rows ?? [];
}

/** Sends frames from a device, as nobody's network stack would. */
export async function sendFrames(lab: Lab, place: string, frames: readonly Buffer[], device = 'eth0'): Promise<void> {
  mustBeZero(await lab.exec(place, ['python3', `${support}send-frame.py`, device, ...hex(frames)]));
}

/** Sends VXLAN datagrams from a node's own address, past its dataplane. */
export async function sendToVtep(lab: Lab, place: string, vtep: string, datagrams: readonly Buffer[]): Promise<void> {
  mustBeZero(await lab.exec(place, [process.execPath, `${support}send-datagrams.mjs`, vtep, `${kVxlanPort}`, ...hex(datagrams)]));
}

const hex = (all: readonly Buffer[]): string[] => all.map((one) => one.toString('hex'));

export interface Transfer { readonly bytes: number; readonly sha256: string; readonly worstGapMs: number }

/** One TCP stream; the answer is what either end counted. */
export async function transfer(lab: Lab, from: string, to: string, address: string, bytes: number, timeoutMs = 60_000): Promise<{ sent: Transfer; received: Transfer }> {
  const port = '7100';
  const receiver = await lab.start(to, [process.execPath, `${support}transfer.mjs`, 'receive', port]);
  let said = '';
  receiver.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const closed = new Promise((resolve) => { receiver.once('close', resolve); });
  const ran = await lab.exec(from, [process.execPath, `${support}transfer.mjs`, 'send', address, port, `${bytes}`], { timeoutMs });
  if (ran.code !== 0) receiver.kill('SIGKILL');
  mustBeZero(ran);
  await closed;
  return { sent: JSON.parse(ran.stdout) as Transfer, received: JSON.parse(said) as Transfer };
}

/** As many sockets that take turns, to an echo of their own. */
const kFlows = 32;
const kFlowsPort = '7008';

export interface Flows { readonly sent: number; readonly received: number; readonly disordered: number }

/** Many numbered flows from one VM to another and back, interleaved (flows.mjs): what came, and what overtook. */
export async function flows(lab: Lab, from: string, to: string, address: string, perFlow: number): Promise<Flows> {
  const echo = await lab.start(to, [process.execPath, `${support}echo.mjs`, kFlowsPort]);
  // A guest that still resolves its gateway lets new datagrams pass those that wait for the answer.
  await lab.ping(from, address);
  const { stdout } = await lab.exec(from,
    [process.execPath, `${support}flows.mjs`, address, kFlowsPort, `${kFlows}`, `${perFlow}`], { timeoutMs: 60_000 });
  echo.kill('SIGKILL');
  return JSON.parse(stdout) as Flows;
}

/** What each node has dropped, only where it is not 0, as "node reason". */
export async function drops(): Promise<Readonly<Record<string, number>>> {
  const client = controllerClient();
  const all = await Promise.all((await client.nodes()).map(async ({ name }) =>
    Object.entries((await client.nodeCall(name, 'counters')).drops).map(([reason, count]) => [`${name} ${reason}`, count] as const)));
  return Object.fromEntries(all.flat().filter(([, count]) => count > 0));
}

/** What was dropped since `before`. */
export async function dropsSince(before: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
  const now = await drops();
  return Object.fromEntries(Object.entries(now)
    .map(([key, count]) => [key, count - (before[key] ?? 0)] as const).filter(([, count]) => count !== 0));
}

/** Which way the router's traffic takes on the node, and why, as `dvr status` says it. */
export async function wayOf(node: string, router = 'r1'): Promise<string> {
  const { nodes } = await controllerClient().status();
  const found = nodes.find(({ name }) => name === node)?.routers.find(({ id }) => id === router);
  return found === undefined ? `nothing is known of ${router} on ${node}` : `${found.way}: ${found.why}`;
}

/** Packets that the dataplane has given into the router's namespace so far, by the devices' own counters. */
export async function crossings(lab: Lab, node: string, router = 'r1'): Promise<number> {
  const ran = mustBeZero(await lab.exec(node, ['ip', '-netns', `qrouter-${router}`, '-json', '-statistics', 'link', 'show']));
  const links = JSON.parse(ran.stdout) as { ifname: string; stats64: { rx: { packets: number } } }[];
  return links.filter(({ ifname }) => ifname.startsWith('qr-')).reduce((sum, { stats64 }) => sum + stats64.rx.packets, 0);
}

/** Makes the cloud follow another topology while it runs. */
export async function putTopology(text: string): Promise<void> {
  const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { 'content-type': 'text/yaml', 'content-length': Buffer.byteLength(text) };
    const asked = request({ socketPath: controllerSocket(), method: 'PUT', path: '/dvr/v1/topology', headers }, (answer) => {
      let all = '';
      answer.on('data', (chunk: Buffer) => { all += chunk.toString(); });
      answer.on('end', () => { resolve({ status: answer.statusCode ?? 0, body: all }); });
    });
    asked.on('error', reject);
    asked.end(text);
  });
  if (status !== 200) throw new Error(`PUT topology: ${status} ${body}`);
}

/** Makes a VM that the topology does not have, and plugs its port in. Both are gone when the test is over. */
export async function addVm(lab: Lab, name: string, options: { network: string; node: string; ip?: string }): Promise<void> {
  onTestFinished(async () => {
    await lab.dvr('port', 'delete', name);
    await run('ip', ['netns', 'delete', `dvr-${name}`], kWithinMs);
  });
  mustBeZero(await run('ip', ['netns', 'add', `dvr-${name}`], kWithinMs));
  // As quiet as the lab's own VMs: what a capture shows was sent on purpose.
  mustBeZero(await lab.exec(name, ['sysctl', '--quiet', '--write', 'net.ipv6.conf.default.disable_ipv6=1']));
  mustBeZero(await lab.dvr('port', 'attach', name, '--network', options.network, '--node', options.node,
    '--netns', `/run/netns/dvr-${name}`, ...(options.ip === undefined ? [] : ['--ip', options.ip])));
}

/** The permanent neighbours of a router's copy, as "address MAC". */
export async function neighbours(lab: Lab, node: string, router = 'r1'): Promise<string[]> {
  const ran = await lab.exec(node, ['ip', '-n', `qrouter-${router}`, 'neigh', 'show', 'nud', 'permanent']);
  return ran.stdout.split('\n').flatMap((line) => {
    const [, ip, mac] = /^(\S+) .*lladdr (\S+)/.exec(line) ?? [];
    return ip === undefined ? [] : [`${ip} ${mac ?? ''}`];
  }).sort();
}

/** Waits until every process runs and every node has applied what it was told. */
export async function whole(lab: Lab): Promise<void> {
  await within('the lab is whole', async () => (JSON.parse((await lab.dvr('lab', 'status', '--json')).stdout) as { converged?: boolean }).converged === true);
}

/** Waits until `ready`, which the cloud has promised; fails with what is still missing. */
export async function within(what: string, ready: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + kWithinMs;
  while (!(await ready())) {
    if (performance.now() > deadline) throw new Error(`not within ${kWithinMs} ms: ${what}`);
    await sleep(50);
  }
}

export function mustBeZero(ran: Ran): Ran {
  if (ran.code !== 0) throw new Error(`exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
  return ran;
}
