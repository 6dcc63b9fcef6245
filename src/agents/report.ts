/** What an agent tells the controller: pure, from what the reconcile and the routers' watch have found. */
import { isOwnDevice, type NodeReport, type NodeView, type PortReport, type RouterReport } from '../model/node-view.js';
import { vmDeviceName } from './local-ids.js';

export interface Findings {
  readonly node: string;
  readonly errors: NodeReport['errors'];
  /** What went wrong, by port. */
  readonly failedPorts: ReadonlyMap<string, string>;
  /** Ports whose device vanished. */
  readonly gone: ReadonlySet<string>;
  /** Ports whose plug this process has made or seen. */
  readonly plugged: ReadonlySet<string>;
  /** Names of open devices: where the port is the node's own device, being open is all there is to it. */
  readonly open: ReadonlySet<string>;
  readonly routers: readonly RouterReport[];
}

export function reportOf(view: NodeView, findings: Findings): NodeReport {
  const ports = view.localPorts.map(({ name, attachment }): PortReport => {
    const error = findings.failedPorts.get(name);
    if (findings.gone.has(name)) return { name, state: 'gone' };
    if (error !== undefined) return { name, state: 'error', error };
    if (attachment === undefined) return { name, state: 'down' };
    const isUp = isOwnDevice(attachment) ? findings.open.has(vmDeviceName(name)) : findings.plugged.has(name);
    return { name, state: isUp ? 'up' : 'down' };
  });
  const { node, errors, routers } = findings;
  return { node, generation: view.generation, ports, errors, routers };
}
