/** `dvr controller`: holds the intent, and tells every agent what its node must know. */
import type { Command } from 'commander';
import { pino, type Logger } from 'pino';
import { topologyDigest } from '../controller/apply-topology.js';
import { parseDoor } from '../controller/api/door.js';
import { Controller } from '../controller/controller.js';
import { storeWrites } from '../controller/metrics.js';
import { startServer, type ServerOptions } from '../controller/server.js';
import { etcdAccess } from '../controller/store/etcd-access.js';
import { LevelStore } from '../controller/store/level.js';
import { measured } from '../controller/store/measured.js';
import type { KeyValueStore } from '../controller/store/store.js';
import { removeStaleSocket } from '../controller/unix-door.js';
import { parseIp } from '../model/addresses.js';
import { readClusterKey } from '../model/cluster-key.js';
import { DvrError } from '../model/errors.js';
import { Metrics } from '../model/metrics.js';
import { controllerSocket } from '../model/paths.js';
import { readTopologyFile } from '../model/topology.js';
import { print } from './output.js';

interface Options {
  readonly topology?: string;
  readonly listen?: string;
  readonly key?: string;
  readonly etcd?: string;
  readonly etcdCa?: string;
  readonly etcdCert?: string;
  readonly etcdKey?: string;
  readonly api?: string;
  readonly json?: true;
}

const MAX_TCP_PORT = 65_535;

const kExample = `
Example:
  dvr controller --topology /var/lib/dvr/topology.yaml --listen 172.16.0.11:4790 --key /var/lib/dvr/cluster.key
  dvr controller --etcd http://127.0.0.1:2379 --listen 172.16.0.11:4790 --key /var/lib/dvr/cluster.key
`;

export function register(program: Command): void {
  program
    .command('controller')
    .description('Run the controller: the API for people and the stream for agents.')
    .option('--topology <file>', 'apply this topology; the one applied last changes nothing')
    .option('--listen <ip:port>', 'also let agents in over TCP; needs --key')
    .option('--key <file>', 'the cluster key, made by dvr init')
    .option('--etcd <url,...>', 'keep the state there, with other controllers, instead of on this disk')
    .option('--etcd-ca <file>', 'whose certificate etcd must show (PEM)')
    .option('--etcd-cert <file>', 'the certificate to show to etcd (PEM)')
    .option('--etcd-key <file>', 'its private key (PEM)')
    .option(
      '--api <ip:port>',
      "serve OpenStack's clients on this machine: a loopback address, as 127.0.0.1:9696",
    )
    .option('--json', 'print where it listens as JSON')
    .addHelpText('after', kExample)
    .action(run);
}

async function run(options: Options): Promise<void> {
  process.title = 'dvr controller';
  const log = pino({ base: null }, pino.destination({ fd: 2, sync: true }));
  const tcp = tcpOf(options);
  const openStore = storeOf(options);
  const api = options.api === undefined ? undefined : parseDoor(options.api);
  const socketPath = controllerSocket();
  // Before the state is touched: two controllers must not write it.
  await removeStaleSocket(socketPath);
  const metrics = new Metrics();
  const controller = await Controller.open(measured(await openStore(), storeWrites(metrics)), log);
  controller.listen({
    events: (events) => {
      for (const event of events) log.info(event, event.event);
    },
  });
  if (options.topology !== undefined) await applyOnce(controller, options.topology, log);
  const server = await startServer({
    controller,
    socketPath,
    log,
    metrics,
    ...(tcp === undefined ? {} : { tcp }),
    ...(api === undefined ? {} : { api }),
  });
  const where = {
    socket: socketPath,
    ...(tcp === undefined ? {} : { listen: `${tcp.host} port ${server.tcpPort}` }),
    ...(api === undefined ? {} : { api: `http://${options.api}` }),
  };
  print(options.json, where, () => `listening on ${Object.values(where).join(' and ')}`);
  log.info({ ...where, generation: controller.intent.generation }, 'controller is ready');
  stopOnSignal(async () => {
    await server.close();
    await controller.close();
    log.info({}, 'controller has stopped');
  });
}

/** What opens the store that is asked for. @throws DvrError DVR_USAGE */
function storeOf({ etcd, etcdCa: ca, etcdCert: cert, etcdKey: key }: Options): () => Promise<KeyValueStore> {
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  if (etcd === undefined) {
    if (Object.keys(files).length > 0)
      throw new DvrError('DVR_USAGE', 'keys for etcd need --etcd', 'name the members of etcd: --etcd URL');
    return () => LevelStore.open();
  }
  const access = etcdAccess(etcd, files);
  return async () => {
    // Its library takes a while to load, which a controller that is alone need not wait for.
    const { EtcdStore } = await import('../controller/store/etcd.js');
    return await EtcdStore.open(access);
  };
}

/** The same topology again leaves everything as it is, also what was changed by hand since. */
async function applyOnce(controller: Controller, file: string, log: Logger): Promise<void> {
  const topology = readTopologyFile(file);
  if (controller.intent.topologyDigest === topologyDigest(topology))
    log.info({ file }, 'topology is applied already');
  else await controller.execute({ command: 'applyTopology', topology });
}

function tcpOf({ listen, key }: Options): ServerOptions['tcp'] {
  if (listen === undefined) return undefined;
  if (key === undefined)
    throw new DvrError('DVR_USAGE', '--listen needs --key', 'make a key with: dvr init --key FILE');
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen);
  const host = parseIp(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (host === undefined || port > MAX_TCP_PORT) {
    throw new DvrError(
      'DVR_USAGE',
      `--listen ${listen} is no address with a port`,
      'write it like 192.0.2.1:4790 or [2001:db8::1]:4790',
    );
  }
  return { host, port, key: readClusterKey(key) };
}

function stopOnSignal(stop: () => Promise<void>): void {
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) return;
    isStopping = true;
    void stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}
