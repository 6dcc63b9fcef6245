/**
 * Brings every peer up once and lets them take turns:
 *
 *     for each round
 *       for each row (scenario/test)
 *         for each peer, a different one first in each round
 *           wait for quiet ─► calibrate ─► measure        again, at most twice, where others disturbed it
 *
 * A slow phase of the machine so hits all of them alike: ratios within a run count, absolute figures do not.
 */
import { scenarios, tests, type Scenario } from './catalog.js';
import { type Commands, inside } from './commands.js';
import { changed } from './engine.js';
import { measureIdle } from './idle.js';
import { calibrate, cpuTimes, describeMachine, kNoisyCpus, loadBetween, waitForQuiet } from './machine.js';
import { rowsOf, type Options, type Row } from './options.js';
import { dvrPeer } from './peers/dvr.js';
import { kernelPeer } from './peers/kernel.js';
import { ovsPeer } from './peers/ovs.js';
import type { Peer, PeerName } from './peers/peer.js';
import { named, targetOf, type Picture } from './picture.js';
import { profiled } from './profile.js';
import { progressText } from './report.js';
import type { Failure, Idle, Repetition, Results } from './results.js';
import { measure, type Durations, type Figures } from './traffic.js';

const has = ({ leadsOutside }: Peer, { outside }: Scenario): boolean => leadsOutside || outside === undefined;
const say = (text: string): void => { process.stderr.write(`bench: ${text}\n`); };

export class Rounds {
  readonly #repetitions: Repetition[] = [];
  readonly #failures: Failure[] = [];
  readonly #titles: Partial<Record<PeerName, string>> = {};
  readonly #began = performance.now();
  #idle: Idle | undefined;

  constructor(readonly options: Options, readonly commands: Commands, readonly picture: Picture) {}

  async run(): Promise<Results> {
    const { budget: { repetitions, idleSeconds }, profile } = this.options;
    const peers = await this.#bringUp();
    try {
      for (let round = 0; round < repetitions; ++round) await this.#round(round, peers);
      if (peers.some(({ name }) => name === 'dvr')) {
        this.#idle = await measureIdle(idleSeconds, this.commands.signal);
        say(`idle lab: ${this.#idle.corePercent} % of a core`);
      }
      if (profile !== undefined) await this.#profile(profile, peers);
    } finally {
      if (!this.commands.signal.aborted) for (const peer of peers) await peer.down();
    }
    return {
      machine: describeMachine(),
      command: ['npm run bench --', ...process.argv.slice(2)].join(' ').replace(/ --$/, ''),
      date: new Date().toISOString(),
      peers: this.#titles,
      repetitions: this.#repetitions,
      failures: this.#failures,
      ...(this.#idle === undefined ? {} : { idle: this.#idle }),
    };
  }

  async #bringUp(): Promise<Peer[]> {
    const { commands, picture } = this;
    const makers: Record<PeerName, () => Peer> = {
      kernel: () => kernelPeer(commands, picture),
      ovs: () => ovsPeer('ovs', commands, picture),
      'ovs-afxdp': () => ovsPeer('ovs-afxdp', commands, picture),
      dvr: () => dvrPeer(commands, picture),
    };
    const up: Peer[] = [];
    for (const name of this.options.peers) {
      const peer = makers[name]();
      const missing = await peer.missing();
      const title = missing === undefined ? peer.title : `not measured: ${missing}`;
      this.#titles[name] = title;
      say(`${name}: ${title}`);
      if (missing !== undefined) continue;
      if (await this.#attempt(peer, 'coming up', () => this.#start(peer))) up.push(peer);
    }
    return up;
  }

  /** Every way of the picture carries a ping, or the peer is not what it should be. */
  async #start(peer: Peer): Promise<void> {
    await peer.up();
    for (const way of scenarios.filter((one) => has(peer, one))) {
      const ping = ['ping', '-q', '-c', '3', '-i', '0.2', '-W', '2', targetOf(this.picture, way)];
      await this.commands.run(inside(peer.namespaceOf(way.from), ...ping));
    }
  }

  async #round(round: number, peers: readonly Peer[]): Promise<void> {
    const rows = rowsOf(this.options, round);
    for (const [index, row] of rows.entries()) {
      if (round > 0 && (performance.now() - this.#began) / 1000 > this.options.budget.seconds) return;
      const first = round % Math.max(1, peers.length);
      for (const peer of [...peers.slice(first), ...peers.slice(0, first)]) {
        if (!has(peer, named(scenarios, row.scenario))) continue;
        await this.#attempt(peer, `${row.scenario}/${row.test}`, () =>
          this.#untilQuiet(peer, row, round, `round ${round + 1}, row ${index + 1}/${rows.length}`));
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
      const { message } = error as Error;
      this.#failures.push({ peer: peer.name, where, message });
      say(`${peer.name}: ${where} FAILED: ${message}`);
      return false;
    }
  }

  async #untilQuiet(peer: Peer, row: Row, round: number, progress: string): Promise<void> {
    for (let repeat = 0; repeat <= this.options.budget.repeats; ++repeat) {
      const repetition = await this.#once(peer, row, round);
      this.#repetitions.push(repetition);
      say(`${progress}  ${progressText(repetition)}`);
      if (!repetition.noisy) return;
    }
  }

  async #once(peer: Peer, row: Row, round: number): Promise<Repetition> {
    const { commands, options: { budget } } = this;
    const { busyCpus } = await waitForQuiet(budget.longestWaitMs, commands.signal);
    const getppidNs = await calibrate(commands);
    const engineBefore = await peer.read?.();
    const before = cpuTimes();
    const figures = await this.#measure(peer, row, budget.durations);
    const { otherCpus } = loadBetween(before, cpuTimes());
    const engineAfter = await peer.read?.();
    const hasEngine = engineBefore !== undefined && engineAfter !== undefined;
    return {
      ...row, peer: peer.name, round, figures, getppidNs, busyCpusBefore: busyCpus, otherCpus,
      noisy: otherCpus > kNoisyCpus || busyCpus > kNoisyCpus,
      ...(hasEngine ? { engine: changed(engineBefore, engineAfter) } : {}),
    };
  }

  #measure(peer: Peer, { scenario, test }: Row, durations: Durations): Promise<Figures> {
    const way = named(scenarios, scenario);
    const address = targetOf(this.picture, way);
    const path = { from: peer.namespaceOf(way.from), to: peer.namespaceOf(way.to), address };
    const busySeconds = (): number => cpuTimes().busy;
    return measure(named(tests, test), { commands: this.commands, path, durations, busySeconds });
  }

  /** Floods last as long as bulk TCP then, and no rate is searched for. */
  async #profile(folder: string, peers: readonly Peer[]): Promise<void> {
    const { durations } = this.options.budget;
    const profiling = { ...durations, floodSeconds: durations.tcpSeconds, steps: { coarse: 0, fine: 0 } };
    for (const row of rowsOf(this.options)) for (const peer of peers) {
      if (!has(peer, named(scenarios, row.scenario))) continue;
      const name = `${row.scenario}-${row.test}-${peer.name}`;
      await this.#attempt(peer, `profile of ${name}`, () =>
        profiled(this.commands, folder, name, () => this.#measure(peer, row, profiling)));
    }
    say(`profiles are in ${folder}`);
  }
}
