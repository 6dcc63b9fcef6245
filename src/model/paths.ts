/** Where the processes of a machine meet: run-time sockets and kept state. */
import { join } from 'node:path';

/** The folder of sockets and pid files, as the environment of a process says; gone after a reboot. */
export const runDirOf = (environment: Readonly<Record<string, string | undefined>>): string =>
  environment['DVR_RUN_DIR'] ?? '/run/dvr';
export const runDir = (): string => runDirOf(process.env);
/** What must survive a restart: the controller's state, each agent's last good view. */
export const stateDir = (): string => process.env['DVR_STATE_DIR'] ?? '/var/lib/dvr';

/** Where the lab's controller answers OpenStack's clients: Neutron's own port. */
export const labApi = (): string => process.env['DVR_API'] ?? '127.0.0.1:9696';
/** Where agents tell Prometheus; each node of the lab has a loopback of its own. */
export const METRICS_PORT = 9_697;

export const controllerSocket = (): string => join(runDir(), 'controller.sock');
export const dataplaneSocket = (node: string): string => join(runDir(), node, 'dataplane.sock');
export const snatSocket = (node: string): string => join(runDir(), node, 'snat.sock');
export const nodeStateDir = (node: string): string => join(stateDir(), node);
