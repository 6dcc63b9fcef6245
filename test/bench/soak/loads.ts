/**
 * The mixed load, all of it at once, each kind over and over until the time is up:
 *
 *   bulk TCP, both ways     vm1 ⇄ vm2    routed, across nodes
 *   64 UDP flows, paced     vm3 → vm4    routed, across nodes; every packet numbered
 *   16 UDP flows, paced     vm4 → vm1    routed, on one node
 *   pings                   vm4 → vm3    routed, across nodes
 *   walks                   vm1 → vm2    a marked packet through every stage
 *   table churn             a port comes and goes on cn1, and talks to vm2 while it is there
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Commands, inside, kNoTimeout, root, toolsDir } from '../commands.js';
import { named, type Picture } from '../picture.js';

/** What happened so far. Loads only ever add to it. */
export interface Tally {
  tcpGb: number;
  udpSent: number; udpReceived: number; udpReordered: number;
  pingsSent: number; pingsAnswered: number;
  walks: number; walksDelivered: number;
  attachments: number;
}

export interface LoadOptions {
  readonly commands: Commands;
  readonly picture: Picture;
  readonly namespaceOf: (vm: string) => string;
  readonly tally: Tally;
  /** False once no further piece of load shall begin. */
  readonly goesOn: () => boolean;
}

/** One piece of load; then the next begins, so that what is found is told soon. */
const kPieceSeconds = 10;
const kTcpPort = '5301';
const kPauseMs = 1000;
/** A new port is reachable within a second; a busy machine takes longer, and a broken one for ever. */
const kReachSeconds = '30';
const kWalkPauseMs = 8000;
/** What a receiver waits beyond the sender's end. */
const kGraceSeconds = 5;
/** Under bulk load a path may be slow for a moment; then a receiver must not think that all is over. */
const kIdleMs = '2000';

const dvr = `${root}scripts/dvr`;

export const newTally = (): Tally => ({
  tcpGb: 0, udpSent: 0, udpReceived: 0, udpReordered: 0, pingsSent: 0, pingsAnswered: 0,
  walks: 0, walksDelivered: 0, attachments: 0,
});

/** Runs all loads until they may not go on. @throws what stopped one of them. */
export async function runLoads(options: LoadOptions): Promise<void> {
  await Promise.all([
    again(options, () => bulk(options)),
    again(options, () => flows(options, { from: 'vm3', to: 'vm4', port: '5401', rate: 4000, count: 64 })),
    again(options, () => flows(options, { from: 'vm4', to: 'vm1', port: '5402', rate: 1000, count: 16 })),
    again(options, () => pings(options)),
    again(options, () => walk(options), kWalkPauseMs),
    again(options, () => churn(options)),
  ]);
}

async function again(
  { goesOn, commands }: LoadOptions, piece: () => Promise<void>, pauseMs = kPauseMs,
): Promise<void> {
  while (goesOn()) {
    await piece();
    await sleep(pauseMs, undefined, { signal: commands.signal });
  }
}

interface Received { readonly bytes: number }
interface Bidirectional {
  readonly end: { readonly sum_received: Received; readonly sum_received_bidir_reverse: Received };
}

async function bulk({ commands, picture, namespaceOf, tally }: LoadOptions): Promise<void> {
  const serve = ['iperf3', '--server', '--one-off', '--forceflush', '--port', kTcpPort];
  const server = await commands.start(inside(namespaceOf('vm2'), ...serve), { ready: 'listening' });
  const ask = ['iperf3', '--client', named(picture.vms, 'vm2').ip, '--port', kTcpPort,
    '--time', `${kPieceSeconds}`, '--bidir', '--congestion', 'cubic', '--json'];
  const { end } = JSON.parse(await commands.run(inside(namespaceOf('vm1'), ...ask))) as Bidirectional;
  await server.stop();
  tally.tcpGb += (end.sum_received.bytes + end.sum_received_bidir_reverse.bytes) / 1e9;
}

interface Flows {
  readonly from: string;
  readonly to: string;
  readonly port: string;
  /** Packets per second, of all flows together. */
  readonly rate: number;
  readonly count: number;
}

async function flows(options: LoadOptions, { from, to, port, rate, count }: Flows): Promise<void> {
  const { commands, picture, namespaceOf, tally } = options;
  const tool = `${toolsDir}udp-flood`;
  const receive = [tool, 'receive', port, `${kPieceSeconds + kGraceSeconds}`, kIdleMs];
  const receiver = await commands.start(inside(namespaceOf(to), ...receive), { ready: 'ready' });
  const { ip } = named(picture.vms, to);
  const send = [tool, 'send', ip, port, `${kPieceSeconds}`, `${rate}`, '64', `${count}`];
  const sent = JSON.parse(await commands.run(inside(namespaceOf(from), ...send))) as { sent: number };
  const got = JSON.parse(await receiver.output) as { received: number; reordered: number };
  tally.udpSent += sent.sent;
  tally.udpReceived += got.received;
  tally.udpReordered += got.reordered;
}

async function pings({ commands, picture, namespaceOf, tally }: LoadOptions): Promise<void> {
  const { ip } = named(picture.vms, 'vm3');
  const ping = ['ping', '-q', '-i', '0.1', '-c', `${kPieceSeconds * 10}`, '-W', '2', ip];
  const { stdout } = await commands.try(inside(namespaceOf('vm4'), ...ping));
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
  tally.pingsSent += Number(counts?.[1] ?? 0);
  tally.pingsAnswered += Number(counts?.[2] ?? 0);
}

async function walk({ commands, tally }: LoadOptions): Promise<void> {
  const { code } = await commands.try([dvr, 'walk', 'vm1', 'vm2']);
  tally.walks += 1;
  tally.walksDelivered += code === 0 ? 1 : 0;
}

/** A guest of its own each time, so that namespace, device, rows and neighbours come and go. */
async function churn({ commands, picture, tally }: LoadOptions): Promise<void> {
  const guest = await commands.start(['unshare', '--net', 'sleep', 'infinity'], { timeoutMs: kNoTimeout });
  try {
    const attach = ['port', 'attach', 'soak', '--network', 'red', '--node', 'cn1', '--pid', `${guest.pid}`];
    await commands.run([dvr, ...attach]);
    // The far node hears of the new port a moment later: until one answer has come, and no longer than this.
    const ping = ['ping', '-q', '-c', '1', '-i', '0.2', '-w', kReachSeconds, named(picture.vms, 'vm2').ip];
    await commands.run(['nsenter', `--net=/proc/${guest.pid}/ns/net`, ...ping]);
    await commands.run([dvr, 'port', 'detach', 'soak']);
    tally.attachments += 1;
  } finally {
    await guest.stop();
  }
}
