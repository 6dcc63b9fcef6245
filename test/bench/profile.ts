/**
 * Where the time goes while a row runs: `perf` over the whole machine, as text. Such a run is not counted,
 * since being looked at costs time as well; it says what bounds a figure that was not reached.
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Commands } from './commands.js';

/** Samples a second and CPU; odd, so that it does not beat with timers. */
const kFrequency = '997';
/** Symbols below this part are noise. */
const kLeastPercent = '0.4';

/** perf opens its clocks first and writes its header then. */
const kStartTenths = 50;

/** Runs the action under perf and writes FOLDER/NAME.txt. @throws where perf is missing or may not look. */
export async function profiled(
  commands: Commands, folder: string, name: string, action: () => Promise<unknown>,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const data = join(folder, `${name}.data`);
  try {
    // Software clock: a virtual machine seldom has hardware counters.
    const record = ['perf', 'record', '-q', '-a', '-e', 'cpu-clock', '-F', kFrequency, '-o', data];
    const perf = await commands.start(record);
    await looksAlready(data, commands.signal);
    await action();
    await perf.stop();
    const report = await commands.run(['perf', 'report', '-q', '-i', data, '--stdio', '--no-children',
      '--fields', 'overhead,comm,dso,symbol', '--percent-limit', kLeastPercent]);
    writeFileSync(join(folder, `${name}.txt`), report.replace(/ +$/gm, '').replace(/^\n+/, ''));
  } finally {
    rmSync(data, { force: true });
  }
}

async function looksAlready(data: string, signal: AbortSignal): Promise<void> {
  for (let tenth = 0; (statSync(data, { throwIfNoEntry: false })?.size ?? 0) === 0; ++tenth) {
    if (tenth >= kStartTenths) throw new Error(`perf wrote nothing to ${data} within ${kStartTenths / 10} s`);
    await sleep(100, undefined, { signal });
  }
}
