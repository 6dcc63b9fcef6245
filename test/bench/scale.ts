/**
 * npm run scale: hundreds of agents without dataplanes and thousands of ports on one machine, with the real controller.
 *
 *     this process ──POST /v2.0/ports──► controller ──views──► 4 processes with 125 agents each
 *          ▲                                                        │
 *          └──────────────── when each has the port ────────────────┘
 *
 * Prints how long a port takes from the client's call to the views of all nodes that must know it, how long all agents
 * take to get their views anew, and what the controller costs. Nothing is asserted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuTimes, describeMachine, loadBetween } from './machine.js';
import { networkName, nodeName, nodeOfPort, vtepOf, type Size } from './scale/cloud.js';
import { ControllerProcess } from './scale/controller.js';
import { Crowd } from './scale/crowd.js';
import { nowMs } from './scale/messages.js';
import { prefill } from './scale/prefill.js';

/** Changes that are made before any is measured. */
const kWarmUp = 20;

interface Ids { readonly networks: readonly { readonly id: string; readonly name: string }[] }

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '500' }, ports: { type: 'string', default: '20000' },
    networks: { type: 'string', default: '400' }, changes: { type: 'string', default: '300' }, help: { type: 'boolean', short: 'h' },
  },
});
if (values.help === true) {
  console.log('usage: npm run scale -- [--agents 500] [--ports 20000] [--networks 400] [--changes 300]');
  process.exit();
}
const size: Size = { agents: Number(values.agents), ports: Number(values.ports), networks: Number(values.networks) };
const changes = Number(values.changes);

const folder = mkdtempSync(join(tmpdir(), 'dvr-scale-'));
const controller = new ControllerProcess(folder);
const crowd = new Crowd();

const say = (name: string, value: string): void => { console.log(`${name.padEnd(54)}${value}`); };
const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const memory = (): string => { const { nowMib, mostMib } = controller.memory(); return `${nowMib} MiB now, ${mostMib} MiB at most`; };

/** The value that so many of a hundred do not pass. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0;
}
function spread(of: readonly number[]): string {
  const sorted = [...of].sort((left, right) => left - right);
  const [least, most] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  return `p50 ${ms(percentile(sorted, 50))}, p99 ${ms(percentile(sorted, 99))} (from ${ms(least)} to ${ms(most)})`;
}

const portWish = (ids: ReadonlyMap<string, string>, network: number, nth: number, name: string) => ({
  name, network_id: ids.get(networkName(network)), 'binding:host_id': nodeName(nodeOfPort(size, network, nth)),
});

async function measureChanges(ids: ReadonlyMap<string, string>): Promise<void> {
  const [answered, own, last, counts]: number[][] = [[], [], [], []];
  let cpuBefore = 0;
  for (let at = 0; at < kWarmUp + changes; ++at) {
    if (at === kWarmUp) cpuBefore = controller.cpuSeconds();
    const network = (at * 37) % size.networks;
    const wish = portWish(ids, network, at, `new${at}`);
    let [beganMs, answeredMs] = [0, 0];
    const arrivals = await crowd.follow(networkName(network), wish.name, wish['binding:host_id'], async () => {
      beganMs = nowMs();
      await controller.ask('POST', '/v2.0/ports', { port: wish });
      answeredMs = nowMs();
    });
    if (at < kWarmUp) continue;
    answered?.push(answeredMs - beganMs);
    own?.push(arrivals.ownMs - beganMs);
    last?.push(arrivals.lastMs - beganMs);
    counts?.push(arrivals.count);
  }
  say('API call to its answer', spread(answered ?? []));
  say('API call to view delivered, the port\'s node', spread(own ?? []));
  say('API call to view delivered, all that must know', spread(last ?? []));
  say('nodes that must know', `${Math.min(...(counts ?? []))} to ${Math.max(...(counts ?? []))}`);
  say('CPU time of the controller, a change', ms(((controller.cpuSeconds() - cpuBefore) / changes) * 1000));
}

async function main(): Promise<void> {
  const { cpu, cores, memoryGb, kernel, node, commit } = describeMachine();
  say('machine', `${cpu}, ${cores} cores, ${memoryGb} GiB, Linux ${kernel}, Node ${node}, commit ${commit}`);
  say('command', `npm run scale -- --agents ${size.agents} --ports ${size.ports} --networks ${size.networks} --changes ${changes}`);
  say('load before', loadavg().map((load) => load.toFixed(2)).join(' '));
  const before = cpuTimes();
  await prefill(controller.stateDir, size);
  say('controller started on a state of that size', ms(await controller.start()));
  const { networks } = await controller.ask<Ids>('GET', '/v2.0/networks?fields=id&fields=name');
  const ids = new Map(networks.map(({ id, name }) => [name, id]));
  say('controller memory without agents', memory());
  const places = Array.from({ length: size.agents }, (_, at) => ({ node: nodeName(at), vtepIp: vtepOf(at) }));
  const startedMs = nowMs();
  const { atMs, bytes } = await crowd.start(controller.address, places);
  say(`${size.agents} agents register and get their views`, `${ms(atMs - startedMs)}; ${(bytes / 2 ** 20).toFixed(0)} MiB of views`);
  say('controller memory with agents', memory());
  await measureChanges(ids);
  say('controller memory after the changes', memory());
  const cutMs = nowMs();
  crowd.reconnect();
  say('full resync, all connections cut at once', ms((await crowd.allWhole()).atMs - cutMs));
  say('controller memory after the resync', memory());
  // The agents find their connections gone, and come back by themselves.
  await controller.kill();
  crowd.reconnect();
  const whole = crowd.allWhole();
  const killedMs = nowMs();
  say('controller killed; until its API answers again', ms(await controller.start()));
  say('controller killed; until all agents have their views', ms((await whole).atMs - killedMs));
  say('controller memory after the restart', memory());
  say('CPUs that others kept busy meanwhile', loadBetween(before, cpuTimes()).otherCpus.toFixed(2));
}

try {
  await main();
} finally {
  crowd.close();
  await controller.kill();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
