/**
 * A process with many agents that have no dataplane: each the real client of the controller's stream, which registers,
 * keeps its view up to date and reports every port of its node as up.
 */
import { controllerClient, type ControllerClient } from '../../../src/agents/controller-client.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { nowMs, type AgentPlace, type Order, type Told } from './messages.js';

interface SimulatedAgent { readonly place: AgentPlace; client: ControllerClient; view: NodeView | undefined }

const agents: SimulatedAgent[] = [];
/** Agents whose present connection has brought no view yet. */
const waiting = new Set<string>();
let watched: { readonly network: string; readonly port: string; readonly unseen: Set<string> } | undefined;
let address = '';

const tell = (told: Told): void => { process.send?.(told); };

function connect(agent: SimulatedAgent): ControllerClient {
  const { node, vtepIp } = agent.place;
  waiting.add(node);
  const client = controllerClient({
    address, log: () => {}, onReady: () => {}, onCall: async () => ({}),
    register: async () => ({ type: 'register', node, vtepIp, underlayMtu: 1500, version: 'simulated' }),
    onView: (view) => {
      agent.view = view;
      seen(node, view);
      const ports = view.localPorts.map(({ name }) => ({ name, state: 'up' as const }));
      client.report({ node, generation: view.generation, ports, errors: [] });
      if (waiting.delete(node) && waiting.size === 0) tell({ told: 'whole', atMs: nowMs(), bytes: bytesOfViews() });
      return view;
    },
  });
  return client;
}

function seen(node: string, { networks }: NodeView): void {
  if (watched?.unseen.has(node) !== true) return;
  const { network: wanted, port, unseen } = watched;
  if (networks.find(({ name }) => name === wanted)?.ports.some(({ name }) => name === port) !== true) return;
  unseen.delete(node);
  tell({ told: 'seen', port, node, atMs: nowMs() });
}

const bytesOfViews = (): number => agents.reduce((sum, { view }) => sum + JSON.stringify(view ?? {}).length, 0);

function watch(network: string, port: string): void {
  const knowing = agents.filter(({ view }) => view?.networks.some(({ name }) => name === network));
  watched = { network, port, unseen: new Set(knowing.map(({ place }) => place.node)) };
  tell({ told: 'watching', knowing: knowing.length });
}

process.on('message', (order: Order) => {
  switch (order.order) {
    case 'start':
      address = order.address;
      for (const place of order.agents) {
        const agent: Partial<SimulatedAgent> & { place: AgentPlace } = { place };
        agents.push(Object.assign(agent, { client: connect(agent as SimulatedAgent), view: undefined }));
      }
      break;
    case 'watch': watch(order.network, order.port); break;
    case 'reconnect':
      for (const { client } of agents) client.close();
      for (const agent of agents) agent.client = connect(agent);
  }
});
// The bench has ended, or was killed.
process.on('disconnect', () => { process.exit(); });
