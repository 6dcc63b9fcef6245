/** The processes a lab keeps running, in the order in which they are started. Pure. */
import { join } from 'node:path';
import { dataplaneSocket, METRICS_PORT, snatSocket } from '../model/paths.js';
import { controllerRoles, controllerSockets } from './controllers.js';
import { hostNamespace } from './outside.js';
import type { LabPlan } from './plan.js';

export interface Role {
  /** Name in logs, in the environment of its process and in `dvr lab status`. */
  readonly name: string;
  /** What runs; absent: `dvr`. */
  readonly program?: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it runs; made before. */
  readonly folder?: string;
  /** Files that are taken away before it starts. */
  readonly stale?: readonly string[];
  /** The node whose namespaces it runs in; the controller runs on the machine itself. */
  readonly node?: string;
  /** The network namespace it runs in, where that is no node's. */
  readonly namespace?: string;
  /** Where it answers. Whoever answers there holds the role, even if started by hand. */
  readonly socket?: string;
}

export function rolesOf(plan: LabPlan, topologyFile: string, controllers = 1): Role[] {
  // What people fetch from outside; it is there before the cloud is.
  const outside: Role[] = plan.outside === undefined ? []
    : [{ name: 'outside', namespace: hostNamespace, args: ['lab', 'serve'] }];
  // One network node has nobody to share its work with.
  const isElected = plan.nodes.filter(({ isNetworkNode }) => isNetworkNode).length > 1;
  const told = controllerSockets(controllers).flatMap((socket) => ['--controller', `unix:${socket}`]);
  return [...controllerRoles(controllers, topologyFile), ...outside, ...plan.nodes.flatMap(({ name, vtepIp }): Role[] => [
    { name: `dataplane ${name}`, node: name, socket: dataplaneSocket(name), args: ['dataplane', '--node', name] },
    {
      name: `agent ${name}`,
      node: name,
      args: ['agent', '--node', name, ...told, '--vtep-ip', vtepIp, '--metrics', `127.0.0.1:${METRICS_PORT}`],
    },
    ...(isElected ? [{ name: `snat ${name}`, node: name, socket: snatSocket(name), args: ['snat', '--node', name] }] : []),
  ])];
}

export const logFileOf = (logs: string, role: string): string => join(logs, `${role.replaceAll(' ', '-')}.log`);

/** First and longest pause before a process that ended is started again. */
const kFirstPauseMs = 50;
const kLongestPauseMs = 1000;
/** A process that lived this long had started well, so the next pause is short again. */
const kSettledMs = 5000;

/** How long to wait before the next start, given the last pause and how long the process lived. */
export function nextPauseMs(lastPauseMs: number | undefined, livedMs: number): number {
  if (lastPauseMs === undefined || livedMs >= kSettledMs) return kFirstPauseMs;
  return Math.min(lastPauseMs * 2, kLongestPauseMs);
}
