/**
 * How long a node takes to program the MACs of other nodes: from the moment the controller sends a view to
 * the moment the dataplane forwards by it. A real agent and a real dataplane, each a process of its own; only
 * the controller is played, so that it is known when a view was sent.
 *
 *   this ==view==> dvr agent ==batch==> dvr dataplane
 *     '------- hello: which generation? -------'
 *
 *     test/bench/run program-macs [COUNT]        10 000 by default
 */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { connectDataplane, type DataplaneProxy } from '../../src/dataplane/proxy.js';
import type { NetworkView, NodeView, PortView } from '../../src/model/node-view.js';
import { controllerSocket, dataplaneSocket, runDir } from '../../src/model/paths.js';
import { type Commands, root } from './commands.js';
import { runProgram } from './program.js';
import { spreadOf } from './statistics.js';

const kRounds = 11;
const kDeadlineMs = 20_000;
const kNode = 'cn1';
const dvr = (...words: readonly string[]): string[] => ['node', `${root}dist/cli/main.js`, ...words];

async function main(commands: Commands): Promise<number> {
  const count = Number(process.argv[2] ?? 10_000);
  mkdirSync(runDir(), { recursive: true });
  const server = createServer().listen(controllerSocket());
  const sockets = new WebSocketServer({ server });
  try {
    await measure(commands, sockets, count);
  } finally {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  }
  return 0;
}

async function measure(commands: Commands, sockets: WebSocketServer, count: number): Promise<void> {
  let dataplane = await startDataplane(commands);
  const agent = await commands.start(
    dvr('agent', '--node', kNode, '--controller', `unix:${controllerSocket()}`, '--vtep-ip', '127.0.0.1'),
  );
  const ended = agent.output.then((said) => { throw new Error(`the agent has ended: ${said.slice(-600)}`); });
  const socket = await Promise.race([registered(sockets), ended]);
  let generation = 0;
  const show = async (macs: number): Promise<number> => {
    const view = JSON.stringify({ type: 'view', view: viewOf(++generation, macs) });
    const beganMs = performance.now();
    socket.send(view);
    await reached(dataplane, generation);
    return performance.now() - beganMs;
  };
  const all: number[] = [], one: number[] = [], gone: number[] = [], restart: number[] = [];
  for (let round = 0; round < kRounds; ++round) {
    gone.push(await show(0));
    await settled();
    all.push(await show(count));
    await settled();
    one.push(await show(count + 1));
    await settled();
  }
  for (let round = 0; round < 3; ++round) {
    await dataplane.close();
    dataplane = await startDataplane(commands, '--replace');
    const beganMs = performance.now();
    await reached(dataplane, generation);
    restart.push(performance.now() - beganMs);
    await settled();
  }
  say(`${String(count)} MACs where none were`, all);
  say('one MAC more', one);
  say('all gone', gone);
  say('all again in a new dataplane', restart);
  await dataplane.close();
}

/** What follows a view (the state on disk, the report) has ended. */
const settled = (): Promise<void> => sleep(150);

function say(what: string, values: readonly number[]): void {
  const { median, min, max } = spreadOf(values);
  process.stdout.write(
    `${what.padEnd(32)} ${median.toFixed(1)} ms (${min.toFixed(1)} to ${max.toFixed(1)}, ${String(values.length)} times)\n`,
  );
}

async function startDataplane(commands: Commands, ...words: readonly string[]): Promise<DataplaneProxy> {
  await commands.start(dvr('dataplane', '--node', kNode, ...words), { ready: 'dataplane is ready' });
  return connectDataplane(dataplaneSocket(kNode));
}

/** The agent's stream, once it has registered. */
function registered(sockets: WebSocketServer): Promise<WebSocket> {
  return new Promise((done) => {
    sockets.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => { if (data.includes('"register"')) done(socket); });
    });
  });
}

async function reached(dataplane: DataplaneProxy, generation: number): Promise<void> {
  const deadline = performance.now() + kDeadlineMs;
  while ((await dataplane.hello()).generation < generation) {
    if (performance.now() > deadline) throw new Error(`generation ${String(generation)} was not reached`);
    await sleep(1);
  }
}

/** `macs` ports of one network on ten other nodes, with an address each. */
function viewOf(generation: number, macs: number): NodeView {
  const peers = Array.from({ length: 10 }, (_, at) => ({
    name: `cn${String(at + 2)}`, vtepIp: `127.0.1.${String(at + 1)}`, dvrMac: `fa:16:3f:00:00:${hex(at + 2)}`, interop: false,
  }));
  const ports = Array.from({ length: macs }, (_, at): PortView => ({
    name: `vm${String(at)}`, mac: `fa:16:3e:${hex(at >> 16)}:${hex(at >> 8 & 255)}:${hex(at & 255)}`,
    ips: [`10.${String(at >> 16)}.${String(at >> 8 & 255)}.${String(at & 255)}`],
    node: `cn${String(at % 10 + 2)}`, allowedAddressPairs: [],
  }));
  const network: NetworkView = {
    name: 'red', vni: 101, mtuBytes: 1450, subnets: [{ cidr: '10.0.0.0/8' }], ports,
    routerInterfaces: [], floodVteps: peers.map(({ vtepIp }) => vtepIp),
  };
  return {
    generation, node: { name: kNode, vtepIp: '127.0.0.1', dvrMac: 'fa:16:3f:00:00:01' }, peers,
    networks: [network], routers: [], localPorts: [],
  };
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

runProgram('program-macs', main);
