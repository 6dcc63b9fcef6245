/**
 * `dvr dataplane`: the node's fast path as a process of its own, which outlives its agent. Loads the
 * addon and a unix socket, nothing else: the sooner it is ready, the sooner a hand-over is done.
 *
 * It decides nothing: devices and rows are the agent's to ask for. A stop leaves TAPs where they are
 * (they are persistent, and the agent holds duplicates of their descriptors for the next dataplane).
 */
import { rmSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DeviceFeature, deviceFeatures, type GateHold } from '../dataplane/interface.js';
import { localDataplane } from '../dataplane/local.js';
import { logLine } from '../dataplane/log.js';
import { watchMirrors } from '../dataplane/mirror-watch.js';
import { addon } from '../dataplane/native.js';
import { featureList, kDefaultSpinUs, kMaxSpinUs, kMaxWorkers, wholeNumber } from '../dataplane/options.js';
import { connectDataplane, type DataplaneProxy } from '../dataplane/proxy.js';
import { serveDataplane } from '../dataplane/server.js';
import { version } from '../dataplane/version.js';
import { DvrError } from '../model/errors.js';
import { parseName } from '../model/identifiers.js';
import { dataplaneSocket } from '../model/paths.js';

interface Options {
  readonly node: string; readonly replace?: boolean;
  readonly workers: number; readonly spinUs: number; readonly without: readonly DeviceFeature[];
}

/**
 * How late a mirror may notice who looks without setting the device promiscuous (`tcpdump -p`, `-i any`).
 * Others are heard of at once, and a look costs a wake-up on a node at rest.
 */
const kAskMs = 250;

export function register(program: Command): void {
  program.command('dataplane')
    .description('run the fast path of a node')
    .requiredOption('--node <name>', 'the node this is')
    .addOption(new Option('--workers <count>', `worker threads, 1 to ${String(kMaxWorkers)}; a device opened by them`
      + ' has as many queues').argParser(read((text) => wholeNumber(text, 1, kMaxWorkers))).default(1).env('DVR_WORKERS'))
    .addOption(new Option('--spin-us <microseconds>', 'how long a worker looks on for packets after the last one'
      + ' before it sleeps; 0: not at all').argParser(read((text) => wholeNumber(text, 0, kMaxSpinUs)))
      .default(kDefaultSpinUs).env('DVR_SPIN_US'))
    .addOption(new Option('--without <features>', `do as if the kernel had none of these: ${deviceFeatures.join(',')}`)
      .argParser(read(featureList)).default([], 'none').env('DVR_WITHOUT'))
    .option('--replace', 'take the place of the dataplane that runs; packets wait meanwhile')
    .option('--json', 'print an error as JSON as well; log lines are JSON always')
    .addHelpText('after', '\nExample:\n  dvr dataplane --node a\n')
    .action(run);
}

/** As commander wants it: what cannot be read is an invalid argument. */
function read<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw error instanceof RangeError ? new InvalidArgumentError(error.message) : error;
    }
  };
}

async function run(options: Options): Promise<void> {
  const { node, workers, spinUs, without } = options;
  if (parseName(node) === undefined) throw new DvrError('DVR_USAGE', `"${node}" is no node name`, '');
  process.title = `dvr dataplane ${node}`;
  const path = dataplaneSocket(node);
  // Everything slow is done before the old process is asked to leave.
  const fastPath = addon();
  const native = new fastPath.Dataplane({ workers, spinUs, without }, () => { dataplane.drainEvents(); });
  const gates = await takePlace(path, options);

  const dataplane = localDataplane(native, version);
  await dataplane.holdGates(gates);
  // What has changed may be a device that is gone: no socket on it hears of that if it was down before.
  const heard = (): void => { mirrors.look(); dataplane.drainEvents(); };
  const here = new fastPath.NamespaceWatch('/proc/self/ns/net', 0, heard, kAskMs);
  const mirrors = watchMirrors(here, native);
  const leave = (why: string): void => {
    here.close();
    native.close();
    logLine('info', 'dataplane stops', { node, why });
    process.exit(0);
  };
  const server = await serveDataplane(dataplane, path, () => { leave('handover'); });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => { void server.close().then(() => { leave(signal); }); });
  }
  logLine('info', 'dataplane is ready', { node, pid: process.pid, socket: path, workers, spinUs, without });
}

/**
 * Makes the socket's name free: asks the running dataplane to leave, or removes what a killed one left.
 * @returns the gates that were open.
 */
async function takePlace(path: string, options: Options): Promise<readonly GateHold[]> {
  const old = await reach(path);
  if (old !== undefined && options.replace !== true) {
    const { pid } = await old.hello();
    throw new DvrError('DVR_CONFLICT',
      `the dataplane of ${options.node} runs already as process ${String(pid)}`,
      'use --replace to take its place');
  }
  const gates = (await old?.handover()) ?? [];
  await old?.close();
  rmSync(path, { force: true });
  return gates;
}

async function reach(path: string): Promise<DataplaneProxy | undefined> {
  try {
    return await connectDataplane(path);
  } catch (error) {
    if (error instanceof DvrError && error.code === 'DVR_DATAPLANE_UNREACHABLE') return undefined;
    throw error;
  }
}
