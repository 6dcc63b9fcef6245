/**
 * `npm run soak`: a lab under mixed load for a while. Flows must keep their order, processes must not grow
 * and not end; then the last line is the verdict, and the exit code 0 (1 otherwise, 130 when interrupted).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { readTopologyFile } from '../../src/model/topology.js';
import { type Commands, inside } from './commands.js';
import { defaultTopologyFile, dvrPeer } from './peers/dvr.js';
import type { Peer } from './peers/peer.js';
import { pictureOf, type Picture } from './picture.js';
import { runProgram } from './program.js';
import { growthOf, type Growth, type Sample } from './soak/growth.js';
import { newTally, runLoads } from './soak/loads.js';
import { reorderingsIn } from './soak/netstat.js';
import { faultsOf, tallyText } from './soak/verdict.js';
import { sampleAll } from './soak/watch.js';
import { table } from './tables.js';

const kSampleMs = 2000;
const kTellMs = 20_000;
const say = (text: string): void => { process.stderr.write(`soak: ${text}\n`); };

async function soak(
  minutes: number, commands: Commands, picture: Picture, peer: Peer,
): Promise<readonly string[]> {
  const totalMs = minutes * 60_000;
  const began = performance.now();
  const atMs = (): number => performance.now() - began;
  const tally = newTally();
  const samples: Sample[] = [];
  const before = await tcpReorderings(commands, picture, peer);
  const goesOn = (): boolean => atMs() < totalMs;
  const loaded = runLoads({ commands, picture, tally, goesOn, namespaceOf: (vm) => peer.namespaceOf(vm) });
  const stopped = loaded.then(() => undefined, (error: unknown) => (error as Error).message);
  for (let told = 0; goesOn();) {
    const why = await Promise.race([sleep(kSampleMs, undefined, { signal: commands.signal }), stopped]);
    if (why !== undefined) break;
    samples.push(...sampleAll(atMs()));
    if (atMs() - told > kTellMs) {
      told = atMs();
      say(`${Math.round(told / 1000)} s: ${tallyText(tally)}`);
    }
  }
  const why = await stopped;
  commands.signal.throwIfAborted();
  if (why !== undefined) return [`a load stopped after ${Math.round(atMs() / 1000)} s: ${why}`];
  const growth = growthOf(samples, totalMs);
  console.log(growthTable(growth, samples));
  return faultsOf({ tally, growth, tcpReorderings: await tcpReorderings(commands, picture, peer) - before });
}

function growthTable(growth: readonly Growth[], samples: readonly Sample[]): string {
  const rows = growth.map(({ role, rssMb, descriptors, threads }) => {
    const last = samples.findLast((sample) => sample.role === role);
    const now = [last?.rssMb.toFixed(1), last?.descriptors, last?.threads];
    const grown = [rssMb, descriptors, threads];
    return [role, ...grown.flatMap((more, index) => [`${now[index] ?? ''}`, `${more}`])];
  });
  return table(['process', 'RSS, MB', 'grown', 'descriptors', 'grown', 'threads', 'grown'], rows);
}

/** What the VMs' kernels count as reordering, together. */
async function tcpReorderings(commands: Commands, picture: Picture, peer: Peer): Promise<number> {
  let sum = 0;
  for (const { name } of picture.vms) {
    const netstat = await commands.run(inside(peer.namespaceOf(name), 'cat', '/proc/net/netstat'));
    sum += reorderingsIn(netstat);
  }
  return sum;
}

function minutesOf(text: string): number {
  const value = Number(text);
  if (value >= 0.5 && value <= 24 * 60) return value;
  throw new InvalidArgumentError(`"${text}" is no number of minutes from 0.5 to 1440`);
}

runProgram('soak', async (commands) => {
  const { minutes } = new Command('npm run soak --')
    .description('a lab under mixed load: order within flows, growth and ends of processes are watched')
    .option('--minutes <minutes>', 'how long', minutesOf, 10)
    .addHelpText('after', '\nExample:\n  npm run soak -- --minutes 2\n')
    .parse(process.argv.slice(2), { from: 'user' }).opts<{ minutes: number }>();
  const picture = pictureOf(readTopologyFile(defaultTopologyFile));
  const peer = dvrPeer(commands, picture);
  say(`a lab, and ${minutes} minutes of mixed load`);
  await peer.up();
  const faults = await soak(minutes, commands, picture, peer);
  for (const fault of faults) console.log(`FAULT: ${fault}`);
  const verdict = faults.length === 0 ? 'passed' : `FAILED, ${faults.length} faults`;
  console.log(`soak: ${verdict}, ${minutes} minutes`);
  return faults.length === 0 ? 0 : 1;
});
