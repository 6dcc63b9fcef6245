/**
 * Measures one test on one way between two VMs: starts the far end, then the near end, and reads what they
 * print. The same programs with the same arguments for every peer.
 *
 *   tcp   iperf3, cubic at both ends (a new namespace may inherit bbr, which paces)
 *   udp   tools/udp-flood: first a flood (the sender never waits), then the rates without loss, by halving
 *   ping  tools/ping-pong: one byte over TCP; the asking end on the first CPU, the echo on the last
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestSpec } from './catalog.js';
import { type Commands, inside, type Running, toolsDir } from './commands.js';
import { withoutOffloads } from './offloads.js';
import { findRates, type Attempt, type Steps } from './search.js';

/** Between which namespaces, and the far one's address. */
export interface Path { readonly from: string; readonly to: string; readonly address: string }

export interface Durations {
  readonly tcpSeconds: number;
  readonly floodSeconds: number;
  readonly attemptSeconds: number;
  readonly pingSeconds: number;
  readonly steps: Steps;
}

/** Figures by name; those of catalog.ts and whatever else is worth keeping in the JSON. */
export type Figures = Readonly<Record<string, number>>;

const kTcpPort = '5301';
const kUdpPort = '5310';
const kEchoPort = '5302';
const kPayloadBytes = '64';
const kAskCpu = '0';
const kEchoCpu = `${cpus().length - 1}`;
/** A receiver that has seen nothing this long after the sender ended has lost everything. */
const kReceiveGraceSeconds = 3;
/** A path may carry more without a flood than under it: rates up to this much are tried. */
const kCeilingFactor = 2;
const kCeilingMore = 20_000;
/** A new stream has found its speed. */
const kLoadRampMs = 700;

export interface TrafficOptions {
  readonly commands: Commands;
  readonly path: Path;
  readonly durations: Durations;
  /** CPU seconds of the whole machine so far. */
  readonly busySeconds: () => number;
}

export async function measure(test: TestSpec, options: TrafficOptions): Promise<Figures> {
  switch (test.kind) {
    case 'tcp': {
      const run = (): Promise<Figures> => tcp(test.streams, options);
      return test.offloads ? run() : withoutOffloads(options, run);
    }
    case 'udp': return udp(test.flows, options);
    case 'ping': return test.loaded ? pingLoaded(options) : ping(options);
  }
}

async function tcp(streams: number, options: TrafficOptions): Promise<Figures> {
  const before = options.busySeconds();
  const load = await startTcp(streams, options.durations.tcpSeconds, options);
  const result = readIperf(await load.output);
  await load.stop();
  return { ...result, cpu_s_per_gb: (options.busySeconds() - before) / (result['bytes'] ?? 0) * 1e9 };
}

async function startTcp(
  streams: number, seconds: number, { commands, path }: TrafficOptions,
): Promise<Running> {
  const serve = ['iperf3', '--server', '--one-off', '--forceflush', '--port', kTcpPort];
  const server = await commands.start(inside(path.to, ...serve), { ready: 'listening' });
  const client = await commands.start(inside(path.from, 'iperf3', '--client', path.address, '--port', kTcpPort,
    '--time', `${seconds}`, '--parallel', `${streams}`, '--congestion', 'cubic', '--json'));
  return { ...client, stop: async () => { await client.stop(); await server.stop(); } };
}

interface IperfReport {
  readonly end: {
    readonly sum_received: { readonly bits_per_second: number; readonly bytes: number };
    readonly sum_sent: { readonly retransmits?: number };
    readonly sender_tcp_congestion?: string;
    readonly receiver_tcp_congestion?: string;
  };
}

/** @throws if an end did not use cubic, since figures with different congestion control do not compare. */
export function readIperf(text: string): Figures {
  const { end } = JSON.parse(text) as IperfReport;
  for (const used of [end.sender_tcp_congestion, end.receiver_tcp_congestion]) {
    if (used !== 'cubic') throw new Error(`iperf3 used ${used ?? 'who knows what'} instead of cubic`);
  }
  const { bits_per_second: rate, bytes } = end.sum_received;
  return { gbps: rate / 1e9, bytes, retransmits: end.sum_sent.retransmits ?? 0 };
}

interface Sent { readonly sent: number; readonly pps: number }
interface Received { readonly received: number; readonly pps: number; readonly reordered: number }
type Shot = Attempt & { readonly reordered: number; readonly packets: number };

async function udp(flows: number, options: TrafficOptions): Promise<Figures> {
  const { floodSeconds, attemptSeconds, steps } = options.durations;
  const before = options.busySeconds();
  const flood = await shoot(0, flows, floodSeconds, options);
  const cpuSeconds = options.busySeconds() - before;
  let reordered = flood.reordered;
  const ceiling = Math.min(flood.offered, kCeilingFactor * flood.received + kCeilingMore);
  const { lossFree, nearlyLossFree } = await findRates(ceiling, steps, async (rate) => {
    const shot = await shoot(rate, flows, attemptSeconds, options);
    reordered += shot.reordered;
    return shot;
  });
  return {
    flood_kpps: flood.received / 1e3,
    offered_kpps: flood.offered / 1e3,
    loss_free_kpps: lossFree / 1e3,
    nearly_loss_free_kpps: nearlyLossFree / 1e3,
    cpu_us_per_packet: cpuSeconds / Math.max(1, flood.packets) * 1e6,
    reordered,
  };
}

/** One burst of traffic at a rate in packets per second, 0 being without any wait. */
async function shoot(
  rate: number, flows: number, seconds: number, { commands, path }: TrafficOptions,
): Promise<Shot> {
  const tool = `${toolsDir}udp-flood`;
  const receive = inside(path.to, tool, 'receive', kUdpPort, `${seconds + kReceiveGraceSeconds}`);
  const receiver = await commands.start(receive, { ready: 'ready' });
  const sent = JSON.parse(await commands.run(inside(path.from, tool, 'send', path.address, kUdpPort,
    `${seconds}`, `${Math.round(rate)}`, kPayloadBytes, `${flows}`))) as Sent;
  const got = JSON.parse(await receiver.output) as Received;
  return {
    offered: sent.pps,
    received: got.pps,
    loss: 1 - got.received / Math.max(1, sent.sent),
    reordered: got.reordered,
    packets: got.received,
  };
}

async function ping({ commands, path, durations }: TrafficOptions): Promise<Figures> {
  const tool = `${toolsDir}ping-pong`;
  const echo = await commands.start(inside(path.to, tool, 'echo', kEchoPort, kEchoCpu), { ready: 'ready' });
  try {
    const ask = [tool, 'ask', path.address, kEchoPort, `${durations.pingSeconds}`, kAskCpu];
    return JSON.parse(await commands.run(inside(path.from, ...ask))) as Figures;
  } finally {
    await echo.stop();
  }
}

async function pingLoaded(options: TrafficOptions): Promise<Figures> {
  const seconds = Math.ceil(options.durations.pingSeconds + 2 * kLoadRampMs / 1000);
  const load = await startTcp(1, seconds, options);
  try {
    await sleep(kLoadRampMs, undefined, { signal: options.commands.signal });
    const figures = await ping(options);
    return { ...figures, load_gbps: readIperf(await load.output)['gbps'] ?? 0 };
  } finally {
    await load.stop();
  }
}
