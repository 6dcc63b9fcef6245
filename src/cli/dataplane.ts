/**
 * `dvr dataplane`: the node's fast path as a process of its own, which outlives its agent. Loads the
 * addon and a unix socket, nothing else: the sooner it is ready, the sooner a hand-over is done.
 *
 * It decides nothing: devices and rows are the agent's to ask for. A stop leaves TAPs where they are
 * (they are persistent, and the agent holds duplicates of their descriptors for the next dataplane).
 */
import { rmSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { localDataplane } from '../dataplane/local.js';
import { logLine } from '../dataplane/log.js';
import { watchMirrors } from '../dataplane/mirror-watch.js';
import { addon } from '../dataplane/native.js';
import { connectDataplane, type DataplaneProxy } from '../dataplane/proxy.js';
import { serveDataplane } from '../dataplane/server.js';
import { version } from '../dataplane/version.js';
import { DvrError } from '../model/errors.js';
import { parseName } from '../model/identifiers.js';
import { dataplaneSocket } from '../model/paths.js';

/** How often events are drained: often enough for their ring, seldom enough to cost nothing. */
const kTickMs = 100;
const kMaxWorkers = 16;

interface Options { readonly node: string; readonly workers: number; readonly replace?: boolean }

export function register(program: Command): void {
  program.command('dataplane')
    .description('run the fast path of a node')
    .requiredOption('--node <name>', 'the node this is')
    .addOption(new Option('--workers <count>', `worker threads, 1 to ${String(kMaxWorkers)}; a device opened by them`
      + ' has as many queues').argParser(workerCount).default(1).env('DVR_WORKERS'))
    .option('--replace', 'take the place of the dataplane that runs; packets wait meanwhile')
    .option('--json', 'print an error as JSON as well; log lines are JSON always')
    .addHelpText('after', '\nExample:\n  dvr dataplane --node a\n')
    .action(run);
}

function workerCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= kMaxWorkers) return count;
  throw new InvalidArgumentError(`it must be a whole number from 1 to ${String(kMaxWorkers)}.`);
}

async function run(options: Options): Promise<void> {
  const { node } = options;
  if (parseName(node) === undefined) throw new DvrError('DVR_USAGE', `"${node}" is no node name`, '');
  process.title = `dvr dataplane ${node}`;
  const path = dataplaneSocket(node);
  // Everything slow is done before the old process is asked to leave.
  const fastPath = addon();
  const native = new fastPath.Dataplane({ workers: options.workers });
  await takePlace(path, options);

  const dataplane = localDataplane(native, version);
  const here = new fastPath.NamespaceWatch('/proc/self/ns/net', 0, () => { mirrors.look(); });
  const mirrors = watchMirrors(here, native);
  const ticker = setInterval(() => { dataplane.drainEvents(); }, kTickMs);
  const leave = (why: string): void => {
    clearInterval(ticker);
    here.close();
    native.close();
    logLine('info', 'dataplane stops', { node, why });
    process.exit(0);
  };
  const stopTicking = { ...dataplane, close: async () => { clearInterval(ticker); native.close(); } };
  const server = await serveDataplane(stopTicking, path, () => { leave('handover'); });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => { void server.close().then(() => { leave(signal); }); });
  }
  logLine('info', 'dataplane is ready', { node, pid: process.pid, socket: path });
}

/** Makes the socket's name free: asks the running dataplane to leave, or removes what a killed one left. */
async function takePlace(path: string, options: Options): Promise<void> {
  const old = await reach(path);
  if (old !== undefined && options.replace !== true) {
    const { pid } = await old.hello();
    throw new DvrError('DVR_CONFLICT',
      `the dataplane of ${options.node} runs already as process ${String(pid)}`,
      'use --replace to take its place');
  }
  if (old !== undefined) {
    await old.handover();
    await old.close();
  }
  rmSync(path, { force: true });
}

async function reach(path: string): Promise<DataplaneProxy | undefined> {
  try {
    return await connectDataplane(path);
  } catch (error) {
    if (error instanceof DvrError && error.code === 'DVR_DATAPLANE_UNREACHABLE') return undefined;
    throw error;
  }
}
