/** `dvr walk`: one real packet, followed through every stage of every node. */
import { constants } from 'node:os';
import type { Command } from 'commander';
import { DvrError } from '../model/errors.js';
import { netnsPath } from '../namespaces/netns-path.js';
import type { ProbeResult } from '../trace/cluster.js';
import { walk } from '../trace/walker.js';
import { walkExitCodes, type Walk } from '../trace/walk-model.js';
import { controllerClient, type Client } from './client.js';
import { print, progress } from './output.js';
import { walkText } from './walk-text.js';

interface Options {
  readonly json?: true; readonly stages?: true; readonly both?: true; readonly ipv6?: true;
  readonly probe?: true; readonly probeIn?: string;
}

interface Probe extends ProbeResult {
  readonly node: string; readonly netns: string; readonly target: string;
}

/** Each waits up to 1 s for its answer, all within the controller's 5 s for a call. */
const kProbeCount = 3;

/** A walk takes milliseconds; one that takes longer waits for a lost packet, a silent node or another walk. */
const kSlowMs = 1000;

const kHelp = `
The place and step names are those of the picture in the README: EW1 to EW7 for a routed pair, EW7' for
delivery on the node the frame was routed on, L2-1 to L2-4 inside one network. What leaves the cloud takes NS1
to NS9 by source NAT (back: NB1, NB2), FO1 to FO4 by a floating IP; what comes in by one takes FI1 to FI4.
t(µs) counts on each node from the packet's first stage there; clocks of two nodes do not compare.

A router has the same addresses on every node, so probes sent from inside it are answered only by ports of
its own node (vm1 and vm4 are on one): an answer from elsewhere goes to the router there.
A node traces for one walk at a time; walks at once wait for each other.

Exit status: 0 delivered, 1 usage, 2 dropped, 3 lost, 4 a node did not answer, 5 no controller.

Examples:
  dvr walk vm1 vm2
  dvr walk vm1 10.2.0.12 --both --stages
  dvr walk vm3 198.51.100.9 --both
  dvr walk 198.51.100.9 203.0.113.101
  dvr walk vm1 vm2 --probe
  dvr walk vm1 vm4 --probe-in qrouter-r1
`;

export function register(program: Command): void {
  program.command('walk').description('send one marked packet and show every step it takes')
    .argument('<from>', "a port's name, IP address or MAC, or an IP address outside")
    .argument('<to>', "a port's name or MAC, or any IP address")
    .option('--stages', 'show every stage of the fast path below its step')
    .option('--both', "show the answer's way back too")
    .option('-6, --ipv6', 'walk from IPv6 address to IPv6 address')
    .option('--probe', `also send ${kProbeCount} ICMP probes from the source's namespace`)
    .option('--probe-in <netns>', "send them from this namespace of the source's node instead")
    .option('--json', 'print JSON')
    .addHelpText('after', kHelp)
    .action(run);
}

async function run(from: string, to: string, options: Options): Promise<void> {
  // Before the walk, not after it: the agent would refuse it too.
  if (options.probeIn !== undefined) netnsPath(options.probeIn);
  const client = controllerClient();
  const slow = setTimeout(() => progress('waiting for nodes to answer'), kSlowMs);
  const result = await interruptible((signal) => walk(client, from, to, { ...options, signal }))
    .finally(() => clearTimeout(slow));
  const wantsProbe = options.probe === true || options.probeIn !== undefined;
  const probe = wantsProbe ? await probeOf(client, result, options.probeIn) : undefined;
  print(options.json, probe === undefined ? result : { ...result, probe }, () =>
    [walkText(result, options), ...(probe === undefined ? [] : [probeText(probe)])].join('\n'));
  process.exitCode = walkExitCodes[result.outcome.kind];
}

/** An interrupted walk gives the nodes' traces back before it leaves, as a shell expects, with 128 + n. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const interrupt = (name: 'SIGINT' | 'SIGTERM'): void => stop.abort(name);
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.once(name, interrupt);
  try {
    return await work(stop.signal);
  } catch (error) {
    const reason: unknown = stop.signal.reason;
    for (const name of names) if (reason === name) process.exit(128 + constants.signals[name]);
    throw error;
  } finally {
    for (const name of names) process.off(name, interrupt);
  }
}

/** Probes from where the VM's own packets come from, unless another namespace is named. */
async function probeOf(
  client: Client, { source, destination }: Walk, wanted: string | undefined,
): Promise<Probe> {
  const node = source.node ?? '';
  if (source.name === undefined && wanted === undefined) {
    throw new DvrError(
      'DVR_USAGE', `${source.ip} is outside, so no probe can be sent from it`, 'name a namespace with --probe-in',
    );
  }
  const netns = wanted ?? await netnsOf(client, source.name ?? '', node);
  const answer = await client.nodeCall(node, 'probe', {
    netns, target: destination.ip, count: kProbeCount,
  });
  return { ...answer, node, netns, target: destination.ip };
}

async function netnsOf(client: Client, port: string, node: string): Promise<string> {
  const view = await client.view(node);
  const { netns, pid } = view.localPorts.find(({ name }) => name === port)?.attachment ?? {};
  if (netns !== undefined) return netns;
  if (pid !== undefined) return `/proc/${pid}/ns/net`;
  throw new DvrError(
    'DVR_CONFLICT', `${port} is not plugged in, so nothing can be sent from it`,
    `dvr port attach ${port} --netns PATH`,
  );
}

function probeText({ netns, node, target, sent, received, rttMs }: Probe): string {
  const sorted = [...rttMs].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  const times = least === undefined || most === undefined
    ? ''
    : `, round trip ${least.toFixed(2)} to ${most.toFixed(2)} ms`;
  return `probes in ${netns} on ${node} to ${target}: ${received} of ${sent} answered${times}`;
}
