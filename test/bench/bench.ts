/**
 * `npm run bench`: brings every peer up once, lets them take turns in each row and round, and reports.
 *
 *     for each round
 *       for each row (scenario/test)
 *         for each peer, a different one first in each round
 *           wait for quiet ─► calibrate ─► measure        again, at most twice, where others disturbed it
 *
 * A slow phase of the machine so hits all of them alike: ratios within a run count, absolute figures do not.
 * Exits 0 whatever the figures are, 1 if something could not be measured, 130 when interrupted. Runs inside
 * scripts/isolated (test/bench/run), which takes away whatever is left.
 */
import { writeFileSync } from 'node:fs';
import { readTopologyFile } from '../../src/model/topology.js';
import { scenarios, tests } from './catalog.js';
import { Commands, inside } from './commands.js';
import { changed, telling } from './engine.js';
import { measureIdle } from './idle.js';
import { calibrate, cpuTimes, describeMachine, kNoisyCpus, loadBetween, waitForQuiet } from './machine.js';
import { readOptions, rowsOf, type Options, type Row } from './options.js';
import { defaultTopologyFile, dvrPeer } from './peers/dvr.js';
import { kernelPeer } from './peers/kernel.js';
import { ovsPeer } from './peers/ovs.js';
import type { Peer, PeerName } from './peers/peer.js';
import { named, pictureOf, type Picture } from './picture.js';
import { progressText, reportText } from './report.js';
import { ratioLine, ratios, summaries, type Failure, type Idle, type Repetition, type Results } from './results.js';
import { writePlots } from './svg.js';
import { measure } from './traffic.js';
import { writeDocs } from './write-docs.js';

const say = (text: string): void => { process.stderr.write(`bench: ${text}\n`); };

class Bench {
  readonly #repetitions: Repetition[] = [];
  readonly #failures: Failure[] = [];
  readonly #titles: Partial<Record<PeerName, string>> = {};
  readonly #began = performance.now();
  #idle: Idle | undefined;

  constructor(readonly options: Options, readonly commands: Commands, readonly picture: Picture) {}

  async run(): Promise<Results> {
    const peers = await this.#bringUp();
    try {
      for (let round = 0; round < this.options.budget.repetitions; ++round) await this.#round(round, peers);
      if (peers.some(({ name }) => name === 'dvr')) await this.#idleRow();
    } finally {
      if (!this.commands.signal.aborted) for (const peer of peers) await peer.down();
    }
    return {
      machine: describeMachine(), command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.replace(/ -- $/, ''), date: new Date().toISOString(),
      peers: this.#titles, repetitions: this.#repetitions, failures: this.#failures,
      ...(this.#idle === undefined ? {} : { idle: this.#idle }),
    };
  }

  async #bringUp(): Promise<Peer[]> {
    const makers: Record<PeerName, () => Peer> = {
      kernel: () => kernelPeer(this.commands, this.picture),
      ovs: () => ovsPeer('ovs', this.commands, this.picture),
      'ovs-afxdp': () => ovsPeer('ovs-afxdp', this.commands, this.picture),
      dvr: () => dvrPeer(this.commands, this.picture),
    };
    const up: Peer[] = [];
    for (const name of this.options.peers) {
      const peer = makers[name]();
      const missing = await peer.missing();
      this.#titles[name] = missing === undefined ? peer.title : `not measured: ${missing}`;
      say(`${name}: ${missing === undefined ? peer.title : `not measured: ${missing}`}`);
      if (missing === undefined && await this.#attempt(peer, 'coming up', async () => { await peer.up(); await this.#check(peer); })) up.push(peer);
    }
    return up;
  }

  /** Every way of the picture carries a ping, or the peer is not what it should be. */
  async #check(peer: Peer): Promise<void> {
    for (const { from, to } of scenarios) {
      const address = named(this.picture.vms, to).ip;
      await this.commands.run(inside(peer.namespaceOf(from), 'ping', '-q', '-c', '3', '-i', '0.2', '-W', '2', address));
    }
  }

  async #round(round: number, peers: readonly Peer[]): Promise<void> {
    const rows = rowsOf(this.options, round);
    for (const [index, row] of rows.entries()) {
      if (round > 0 && (performance.now() - this.#began) / 1000 > this.options.budget.seconds) return;
      for (let turn = 0; turn < peers.length; ++turn) {
        const peer = peers[(turn + round) % peers.length];
        if (peer !== undefined) await this.#attempt(peer, `${row.scenario}/${row.test}`, () => this.#untilQuiet(peer, row, round, `${index + 1}/${rows.length}`));
      }
    }
  }

  /** Failures are counted and told; the others go on. */
  async #attempt(peer: Peer, where: string, action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.commands.signal.throwIfAborted();
      const message = (error as Error).message;
      this.#failures.push({ peer: peer.name, where, message });
      say(`${peer.name}: ${where} FAILED: ${message}`);
      return false;
    }
  }

  async #untilQuiet(peer: Peer, row: Row, round: number, progress: string): Promise<void> {
    for (let repeat = 0; repeat <= this.options.budget.repeats; ++repeat) {
      const repetition = await this.#once(peer, row, round);
      this.#repetitions.push(repetition);
      say(`round ${round + 1}, row ${progress}  ${progressText(repetition)}`);
      if (!repetition.noisy) return;
    }
  }

  async #once(peer: Peer, { scenario, test }: Row, round: number): Promise<Repetition> {
    const { commands, picture, options: { budget } } = this;
    const way = named(scenarios, scenario);
    const path = { from: peer.namespaceOf(way.from), to: peer.namespaceOf(way.to), address: named(picture.vms, way.to).ip };
    const quiet = await waitForQuiet(budget.longestWaitMs, commands.signal);
    const getppidNs = await calibrate(commands);
    const engineBefore = await peer.read?.();
    const before = cpuTimes();
    const figures = await measure(named(tests, test), { commands, path, durations: budget.durations, busySeconds: () => cpuTimes().busy });
    const { otherCpus } = loadBetween(before, cpuTimes());
    const engineAfter = await peer.read?.();
    return {
      scenario, test, peer: peer.name, round, figures, getppidNs, busyCpusBefore: quiet.busyCpus, otherCpus,
      noisy: otherCpus > kNoisyCpus || quiet.busyCpus > kNoisyCpus,
      ...(engineBefore === undefined || engineAfter === undefined ? {} : { engine: telling(changed(engineBefore, engineAfter)) }),
    };
  }

  async #idleRow(): Promise<void> {
    this.#idle = await measureIdle(this.options.budget.idleSeconds, this.commands.signal);
    say(`idle lab: ${this.#idle.corePercent} % of a core`);
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (rowsOf(options).length === 0) throw new Error('--only matches no row; rows are named scenario/test, like routed/tcp-1');
  const interrupted = new AbortController();
  const commands = new Commands(interrupted.signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { interrupted.abort(new Error('interrupted')); });
  try {
    const results = await new Bench(options, commands, pictureOf(readTopologyFile(defaultTopologyFile))).run();
    publish(options, results);
    return results.failures.length > 0 ? 1 : 0;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    say('interrupted; nothing is left');
    return 130;
  } finally {
    await commands.close();
  }
}

function publish(options: Options, results: Results): void {
  const all = summaries(results.repetitions);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ ...results, summaries: all, ratios: ratios(all) }, null, 1)}\n`);
  if (options.svg !== undefined) writePlots(options.svg, all);
  if (options.writeDocs) writeDocs(results);
  console.log(reportText(results));
  console.log(ratioLine(ratios(all)));
}

main().then((code) => { process.exitCode = code; }, (error: unknown) => {
  say((error as Error).message);
  process.exitCode = 1;
});
