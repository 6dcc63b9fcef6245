/**
 * `dvr lab up`: makes what the topology says and is not there yet, starts the processes, plugs the VMs
 * in as anyone else would, and waits until all nodes have what they need. A failure on the way takes
 * away what was made; a second `up` repairs what is missing.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DvrError } from '../model/errors.js';
import { runDir, stateDir } from '../model/paths.js';
import { parseTopology } from '../model/topology.js';
import { requireFreeApi } from './api-door.js';
import { type Cluster, attachVm, missingOf } from './cluster.js';
import { controllerDoors, controllerSockets, requireControllers } from './controllers.js';
import { takeDown } from './down.js';
import { answers } from './keeper.js';
import { lastLines } from './logs.js';
import type { OutsidePlan } from './outside.js';
import { type LabPlan, namespacesOf, planLab } from './plan.js';
import { isAlive, netnsDir, roleHolders } from './processes.js';
import { type LabRecord, claimStateDir, labFile, logsDir, readRecord, writeRecord } from './record.js';
import { logFileOf } from './roles.js';
import { runningLab, runningLabText } from './running-lab.js';
import { defaultTopologyFile, runScript } from './scripts.js';
import { startSupervisor } from './supervisor.js';
import { waitFor } from './wait.js';

export interface UpOptions {
  readonly name: string;
  /** Path of the topology; the seed's picture where none is given. */
  readonly topologyFile?: string;
  /** Absent: as many as there are, or one. */
  readonly controllers?: number;
  readonly cluster: Cluster;
  readonly progress: (line: string) => void;
}

/** Controller and agents load their libraries first, all at once. */
const kStartWaitMs = 30_000;
/** Agents open devices and run a script a router; a busy machine takes its time. */
const kConvergeWaitMs = 30_000;
const kLogLines = 8;

/** Brings the lab up, or repairs it. Answers with whether it was there before. */
export async function bringUp(options: UpOptions): Promise<{ record: LabRecord; wasUp: boolean }> {
  if (process.getuid?.() !== 0) throw new DvrError('DVR_USAGE', 'a lab makes network namespaces, which only root may', 'run it as root');
  const file = resolve(options.topologyFile ?? defaultTopologyFile);
  const text = readTopology(file);
  const plan = planLab(parseTopology(text, file));
  const existing = readRecord();
  const controllers = options.controllers ?? existing?.controllers ?? 1;
  requireControllers(controllers);
  if (existing !== undefined) refuseOther(existing, options.name, text, controllers);
  const record = existing ?? await claim(options.name, file, text, plan, controllers);
  try {
    await build(record, options);
  } catch (cause) {
    // A lab that was up and cannot be repaired is left as it is: it may still be worth looking at.
    throw existing === undefined ? await undone(record, options.cluster, cause) : cause;
  }
  return { record, wasUp: existing !== undefined };
}

function readTopology(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DvrError('DVR_USAGE', `${file} cannot be read: ${(cause as Error).message}`,
      'give the path of a topology file, or none for the default one', { cause });
  }
}

function refuseOther(existing: LabRecord, name: string, text: string, controllers: number): void {
  const builds = existing.builderPid !== process.pid && isAlive(existing.builderPid)
    && !roleHolders(existing.id).has('supervisor');
  const isSame = existing.name === name && existing.topologyText === text && (existing.controllers ?? 1) === controllers;
  if (isSame && !builds) return;
  const what = builds ? `is being brought up by process ${existing.builderPid}` : `is up, made from ${existing.topologyFile}`;
  throw new DvrError('DVR_LAB_EXISTS', `the lab "${existing.name}" ${what}; a machine holds one lab`,
    'take it down first with `dvr lab down`');
}

/** Writes the record of all that will be made, having looked that none of it is anybody else's. */
async function claim(
  name: string, topologyFile: string, topologyText: string, plan: LabPlan, controllers: number,
): Promise<LabRecord> {
  const other = runningLab();
  if (other !== undefined) {
    throw new DvrError('DVR_LAB_EXISTS', `${runningLabText(other)} is up; a machine holds one lab`,
      `take it down first with \`DVR_RUN_DIR=${other.runDir} dvr lab down\``);
  }
  const taken = namespacesOf(plan).find((namespace) => existsSync(join(netnsDir, namespace)));
  if (taken !== undefined) {
    throw new DvrError('DVR_CONFLICT', `the namespace ${taken} exists already, and no process tells whose it is`,
      `see what it is for; if a lab left it, \`dvr lab down\` with that lab's DVR_RUN_DIR takes it away`);
  }
  if (existsSync(runDir()) && readdirSync(runDir()).length > 0) {
    throw new DvrError('DVR_CONFLICT', `${runDir()} is in use, but not by a lab`,
      'stop the dvr processes of this machine and remove the folder, or set DVR_RUN_DIR');
  }
  for (const door of controllerDoors(controllers)) await requireFreeApi(door);
  claimStateDir();
  const record: LabRecord = {
    version: 1, name, id: randomUUID(), topologyFile, topologyText, plan, stateDir: stateDir(), controllers, builderPid: process.pid,
  };
  writeRecord(record);
  return record;
}

async function build(record: LabRecord, { cluster, progress }: UpOptions): Promise<void> {
  const { plan } = record;
  process.env['DVR_LAB_ID'] = record.id;
  progress(`fabric and ${plan.nodes.length} nodes: ${plan.nodes.map((node) => node.name).join(' ')}`);
  await runScript('fabric', 'up', '--mtu', String(plan.fabricMtuBytes));
  for (const node of plan.nodes) {
    await runScript('node', 'up', node.name, '--vtep', node.vtepAddress, '--mtu', String(node.mtuBytes), '--mac', node.mac,
      '--port', node.fabricPort, '--wire', plan.wire, '--run-dir', runDir());
  }
  if (plan.outside !== undefined) await buildOutside(plan.outside, progress);
  progress('controller, dataplanes and agents');
  await startSupervisor(record);
  for (const vm of plan.vms) await runScript('vm', 'up', vm.name, ...(vm.ipv6 ? ['--ipv6'] : []));
  await waitFor('the controllers', kStartWaitMs, async () => {
    const sockets = controllerSockets(record.controllers ?? 1);
    const isThere = await Promise.all(sockets.map(answers));
    return sockets.filter((_socket, at) => isThere[at] !== true).map((socket) => `nobody answers at ${socket}`);
  });
  const missing = async (): Promise<string[]> => missingOf(plan, await cluster.status());
  // A port is plugged in by its node's agent, so that one must be there first.
  await waitFor('the agents', kStartWaitMs, async () => (await missing()).filter((one) => one.startsWith('the agent of')));
  progress(`plugging in ${plan.vms.length} VMs: ${plan.vms.map((vm) => vm.name).join(' ')}`);
  for (const vm of plan.vms) await attachVm(cluster, vm);
  progress('waiting until every node has what it needs');
  await waitFor('the lab', kConvergeWaitMs, missing);
}

/** The wires of provider networks, what the nodes have on them, and who lives out there. */
async function buildOutside({ ports, subnets, ipv6 }: OutsidePlan, progress: UpOptions['progress']): Promise<void> {
  progress(`outside: ${[...new Set(ports.map(({ wire }) => wire))].join(' ')} with ext and upstream`);
  const family = ipv6 ? ['--ipv6'] : [];
  await runScript('outside', 'up', ...family);
  for (const { port, wire, namespace, device, mac, mtuBytes, bare } of ports) {
    await runScript('provider', 'up', port, '--wire', wire, '--namespace', namespace, '--device', device,
      '--mac', mac, '--mtu', String(mtuBytes), ...(bare ? ['--bare'] : []));
  }
  for (const { device, vlan, host, gateway } of subnets) {
    const said = await runScript('outside', 'up', ...family, '--device', device, '--gateway', gateway,
      ...(vlan === undefined ? [] : ['--vlan', String(vlan)]), ...(host === undefined ? [] : ['--host', host]));
    if (said !== '') progress(said.trim());
  }
}

/** Takes away what was made and answers with the error to show, which keeps the last words of the logs. */
async function undone(record: LabRecord, cluster: Cluster, cause: unknown): Promise<unknown> {
  const logs = ['supervisor', 'controller', ...record.plan.nodes.flatMap(({ name }) => [`dataplane ${name}`, `agent ${name}`])]
    .map((role) => [role, lastLines(logFileOf(logsDir(), role), kLogLines)] as const)
    .filter(([, lines]) => lines !== '');
  const left = await takeDown(record, cluster);
  if (!(cause instanceof DvrError)) return cause;
  const said = logs.map(([role, lines]) => `\n--- end of the log of ${role}\n${lines}`).join('');
  const after = left.length === 0 ? 'all that was made is removed again' : `left behind: ${left.join(', ')} (${labFile()})`;
  return new DvrError(cause.code, cause.message, `${cause.hint}; ${after}${said}`, { cause });
}
