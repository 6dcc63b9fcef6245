/** What an agent tells the controller: pure, from what the reconcile and the routers' watch have found. */
import type { NodeReport, NodeView, PortReport, RouterReport } from '../model/node-view.js';

export interface Findings {
  readonly node: string;
  readonly errors: NodeReport['errors'];
  /** What went wrong, by port. */
  readonly failedPorts: ReadonlyMap<string, string>;
  /** Ports whose device vanished. */
  readonly gone: ReadonlySet<string>;
  /** Ports whose plug this process has made or seen. */
  readonly plugged: ReadonlySet<string>;
  readonly routers: readonly RouterReport[];
}

export function reportOf(view: NodeView, findings: Findings): NodeReport {
  const ports = view.localPorts.map(({ name, attachment }): PortReport => {
    const error = findings.failedPorts.get(name);
    if (findings.gone.has(name)) return { name, state: 'gone' };
    if (error !== undefined) return { name, state: 'error', error };
    return { name, state: attachment !== undefined && findings.plugged.has(name) ? 'up' : 'down' };
  });
  const { node, errors, routers } = findings;
  return { node, generation: view.generation, ports, errors, routers };
}
