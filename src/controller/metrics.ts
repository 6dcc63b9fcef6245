/** What the controller tells Prometheus, at GET /metrics of all its doors for people and programs. */
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../model/metrics.js';
import type { AgentStream } from './agent-stream.js';
import type { Controller } from './controller.js';
import { SyncLag } from './sync-lag.js';

/** A disk that is in order takes a millisecond or two, etcd some ten. */
const WRITE_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** Answers with what takes the time of a store's write in. */
export const storeWrites = (metrics: Metrics): ((seconds: number) => void) =>
  metrics.histogram(
    'dvr_store_write_seconds',
    'How long writes to the store take, in seconds.',
    WRITE_BUCKETS_SECONDS,
  );

/** Answers with what stops counting. */
export function addControllerMetrics(
  metrics: Metrics,
  controller: Controller,
  agents: AgentStream,
): () => void {
  const lag = new SyncLag(controller);
  addIntent(metrics, controller);
  addNodes(metrics, controller, agents, lag);
  addSent(metrics, agents);
  const command = metrics.count(
    'dvr_commands_total',
    'Commands decided, and how: done, or the code that they were refused with.',
    ['command', 'result'],
  );
  const stopListening = controller.listen({ decided: (name, result) => command({ command: name, result }) });
  return () => {
    stopListening();
    lag.close();
  };
}

export function addMetricsRoute(app: FastifyInstance, metrics: Metrics): void {
  app.get('/metrics', async (_request, reply) => await reply.type(metrics.contentType).send(await metrics.text()));
}

function addIntent(metrics: Metrics, controller: Controller): void {
  metrics.gauge('dvr_intent_generation', 'Changes so far that changed any node\'s view.', [], () => [
    [controller.intent.generation],
  ]);
  const kinds = ['networks', 'externalNetworks', 'routers', 'ports', 'floatingIps', 'nodes'] as const;
  metrics.gauge('dvr_resources', 'How many there are of a kind.', ['kind'], () =>
    kinds.map((kind) => [snakeCase(kind), controller.intent[kind].size]),
  );
  metrics.gauge('dvr_store_faulty', '1 where the store could not be reached when it was last asked.', [], () => [
    [controller.store.fault === undefined ? 0 : 1],
  ]);
}

function addNodes(metrics: Metrics, controller: Controller, agents: AgentStream, lag: SyncLag): void {
  const names = (): string[] => [...controller.intent.nodes.keys()];
  metrics.gauge('dvr_node_connected', '1 where the agent of the node is connected.', ['node'], () =>
    names().map((node) => [node, agents.isConnected(node) ? 1 : 0]),
  );
  metrics.gauge('dvr_node_view_generation', 'The generation that the node is to apply.', ['node'], () =>
    names().map((node) => [node, controller.view(node)?.generation ?? 0]),
  );
  metrics.gauge('dvr_node_applied_generation', 'The generation that the node has applied, 0: none.', ['node'], () =>
    names().map((node) => [node, controller.state.reports.get(node)?.generation ?? 0]),
  );
  metrics.gauge(
    'dvr_node_sync_lag_seconds',
    'For how long there has been something that the node has not applied; 0: it has applied all.',
    ['node'],
    () => names().map((node) => [node, lag.seconds(node)]),
  );
  metrics.gauge('dvr_node_errors', 'What the node reports to be wrong with it.', ['node'], () =>
    names().map((node) => [node, controller.state.reports.get(node)?.errors.length ?? 0]),
  );
}

function addSent(metrics: Metrics, { sent }: AgentStream): void {
  const kinds = ['view', 'delta'] as const;
  metrics.total('dvr_views_sent_total', 'Views sent to agents: whole, or what has changed.', ['kind'], () =>
    kinds.map((kind) => [kind, sent[kind].messages]),
  );
  metrics.total('dvr_views_sent_bytes_total', 'Bytes of them.', ['kind'], () =>
    kinds.map((kind) => [kind, sent[kind].bytes]),
  );
}

const snakeCase = (text: string): string => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
