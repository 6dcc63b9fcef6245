/**
 * `dvr agent`: the node's part of the control plane. Takes views from the controller, programs the
 * dataplane, builds namespaces. A stop is not a teardown: devices, rows and namespaces stay.
 */
import { Option, type Command } from 'commander';
import type { Agent } from '../agents/agent.js';
import type { ControllerAddress } from '../agents/controllers.js';
import { logLine } from '../dataplane/log.js';
import { parseIp } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import { parseName } from '../model/identifiers.js';
import { MAX_CONTROLLERS } from '../model/limits.js';
import { parseLoopback, type LoopbackAddress } from '../model/loopback.js';
import { METRICS_PORT } from '../model/paths.js';
import { routingModes, type RoutingMode } from '../model/routing.js';

interface Options {
  readonly node: string;
  readonly controller: readonly string[];
  readonly vtepIp: string;
  readonly key?: string;
  readonly routing?: RoutingMode;
  readonly metrics?: string;
}

const kExample = `
Example:
  dvr agent --node a --controller 172.16.0.11:4790 --key /var/lib/dvr/cluster.key --vtep-ip 172.16.0.11
`;

export function register(program: Command): void {
  program.command('agent')
    .description('run the agent of a node')
    .requiredOption('--node <name>', 'the node this is')
    .requiredOption('--controller <address>', 'unix:PATH, or IP:PORT with --key; again for each further one', collect)
    .requiredOption('--vtep-ip <ip>', 'the address VXLAN is sent from, on the underlay device')
    .option('--key <file>', 'the cluster key, made by `dvr init --key FILE`')
    .addOption(new Option('--routing <mode>', 'of every router here, over the topology: to find out whether it matters')
      .choices(routingModes).env('DVR_ROUTING'))
    .option('--metrics <ip:port>', 'tell Prometheus on this machine: a loopback address, as 127.0.0.1:9697')
    .option('--json', 'print an error as JSON as well; log lines are JSON always')
    .addHelpText('after', kExample)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { node, controller: addresses, vtepIp, key, routing } = options;
  if (parseName(node) === undefined) throw new DvrError('DVR_USAGE', `"${node}" is no node name`, '');
  if (parseIp(vtepIp) === undefined) throw new DvrError('DVR_USAGE', `"${vtepIp}" is no IP address`, '');
  if (addresses.length > MAX_CONTROLLERS)
    throw new DvrError('DVR_USAGE', `${addresses.length} controllers`, `give at most ${MAX_CONTROLLERS}`);
  const door = options.metrics === undefined ? undefined : parseLoopback('--metrics', options.metrics, 'an agent', METRICS_PORT);
  const controllers = await Promise.all([...new Set(addresses)].map(async (address): Promise<ControllerAddress> => {
    const authenticate = await authentication(address, key, node);
    return { address, ...(authenticate && { authenticate }) };
  }));
  process.title = `dvr agent ${node}`;

  const { runAgent } = await import('../agents/agent.js');
  const agent = await runAgent(
    { node, controllers, vtepIp, routing, log: logLine },
  );
  if (door !== undefined) await tellPrometheus(agent, door);
  logLine('info', 'agent runs', { node, pid: process.pid, controllers: addresses });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => { void agent.close().then(() => { process.exit(0); }); });
  }
}

/** Until the process ends. */
async function tellPrometheus({ measured }: Agent, door: LoopbackAddress): Promise<void> {
  const { agentMetrics } = await import('../agents/agent-metrics.js');
  const { openMetricsDoor } = await import('../agents/metrics-door.js');
  await openMetricsDoor(agentMetrics(measured), door);
}

const collect = (address: string, before: readonly string[] = []): readonly string[] => [...before, address];

/** No key, no start: over TCP anybody could claim to be a controller. */
async function authentication(controller: string, key: string | undefined, node: string) {
  if (controller.startsWith('unix:/')) return undefined;
  if (!/^(\d+(\.\d+){3}|\[[0-9a-f:]+\]):\d+$/i.test(controller)) {
    throw new DvrError(
      'DVR_USAGE', `"${controller}" is no controller address`, 'give unix:PATH (absolute) or IP:PORT',
    );
  }
  if (key === undefined) {
    throw new DvrError('DVR_KEY_INVALID', `${controller} needs the cluster key`, 'add --key FILE');
  }
  const { authenticateClient, readClusterKey } = await import('../model/cluster-key.js');
  const clusterKey = readClusterKey(key);
  return (socket: import('ws').WebSocket) => authenticateClient(socket, clusterKey, node);
}
