/**
 * The lab's controllers: one, which keeps the state itself, or several that keep it in an etcd of the lab's own,
 * which is reached by a unix socket.
 *
 *     agents ─┬─ controller    ─┬─ etcd
 *             ├─ controller 2  ─┤
 *             └─ controller 3  ─┘
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DvrError } from '../model/errors.js';
import { MAX_CONTROLLERS } from '../model/limits.js';
import { controllerSocket, labApi, runDir, stateDir } from '../model/paths.js';
import type { Role } from './roles.js';

/** Folders of the run folder that no node can be named as. */
const etcdDir = (): string => join(runDir(), '.etcd');
const runDirOf = (n: number): string => (n === 1 ? runDir() : join(runDir(), `.controller-${n}`));

/** How etcd calls the sockets that it makes in its folder. */
const kClients = 'localhost:2379';
const kPeers = 'localhost:2380';

/** The sockets that agents come to. */
export const controllerSockets = (count: number): string[] =>
  numbers(count).map((n) => (n === 1 ? controllerSocket() : join(runDirOf(n), 'controller.sock')));

/** The doors for clients: the first controller's, and the ports after it. */
export function controllerDoors(count: number): string[] {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(labApi()) ?? [];
  return numbers(count).map((n) => (n === 1 ? labApi() : `${host}:${Number(port) + n - 1}`));
}

export function controllerRoles(count: number, topologyFile: string): Role[] {
  const doors = controllerDoors(count);
  const store = count === 1 ? [] : ['--etcd', `unix:${join(etcdDir(), kClients)}`];
  const controllers = controllerSockets(count).map((socket, at): Role => ({
    name: at === 0 ? 'controller' : `controller ${at + 1}`,
    args: ['controller', '--topology', topologyFile, '--api', doors[at] ?? '', ...store],
    socket,
    ...(at === 0 ? {} : { environment: { DVR_RUN_DIR: runDirOf(at + 1) } }),
  }));
  return count === 1 ? controllers : [etcdRole(), ...controllers];
}

/** @throws DvrError DVR_USAGE where the number is none, or there is no etcd to share. */
export function requireControllers(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_CONTROLLERS)
    throw new DvrError('DVR_USAGE', `${count} controllers`, `give 1 to ${MAX_CONTROLLERS}`);
  if (count > 1 && spawnSync('etcd', ['--version']).status !== 0)
    throw new DvrError('DVR_USAGE', `${count} controllers share an etcd, and there is none here`, 'apt-get install etcd-server');
}

function etcdRole(): Role {
  const [clients, peers] = [`unix://${kClients}`, `unix://${kPeers}`];
  return {
    name: 'etcd',
    program: 'etcd',
    folder: etcdDir(),
    socket: join(etcdDir(), kClients),
    // One that was killed leaves them, and the next does not take them over.
    stale: [join(etcdDir(), kClients), join(etcdDir(), kPeers)],
    args: [
      '--name', 'lab', '--data-dir', join(stateDir(), 'etcd'),
      '--listen-client-urls', clients, '--advertise-client-urls', clients,
      '--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `lab=${peers}`,
    ],
  };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
