/**
 * What an agent tells Prometheus: what its dataplane has counted, and how its own work goes. Without a dataplane its
 * numbers are absent, not zero.
 */
import type { Counters, PortCounters } from '../dataplane/interface.js';
import { dropReasons, engineCounters, stages } from '../dataplane/pipeline.js';
import { Metrics, type Series } from '../model/metrics.js';
import type { NodeIds } from '../model/node-call.js';
import type { WorkCounts } from './work-counts.js';

/** What is measured of an agent, as it is now. */
export interface MeasuredAgent {
  /** @throws DVR_DATAPLANE_UNREACHABLE while there is none. */
  counters(): Promise<Counters>;
  numbers(): NodeIds;
  /** Of the view that was given, and of the one that was applied; 0: none. */
  generations(): { readonly given: number; readonly applied: number };
  readonly work: WorkCounts;
}

export function agentMetrics(agent: MeasuredAgent): Metrics {
  let counted: Counters | undefined;
  const metrics = new Metrics(async () => {
    counted = await agent.counters().catch(() => undefined);
  });
  metrics.gauge('dvr_dataplane_connected', '1 where the agent has a dataplane that answers.', [],
    () => [[counted === undefined ? 0 : 1]]);
  addPipeline(metrics, () => counted);
  addPorts(metrics, agent, () => counted);
  addWork(metrics, agent);
  return metrics;
}

function addPipeline(metrics: Metrics, counted: () => Counters | undefined): void {
  const named = (of: keyof Pick<Counters, 'stages' | 'drops' | 'engine'>, names: readonly { readonly name: string }[]) =>
    (): Series[] => {
      const counts = counted()?.[of];
      return counts === undefined ? [] : names.map(({ name }) => [name, counts[name] ?? 0]);
    };
  metrics.total('dvr_stage_packets_total', 'Packets that entered a stage of the pipeline.', ['stage'],
    named('stages', stages));
  metrics.total('dvr_drops_total', 'Packets that went no further, by reason (docs/pipeline.md).', ['reason'],
    named('drops', dropReasons));
  // One of them is a longest, which is no count; the whole family is therefore told as it stands.
  metrics.gauge('dvr_engine', 'What the workers do around the pipeline, as `dvr counters` has it.', ['counter'],
    named('engine', engineCounters));
}

const directions = { rx: 'from the device into the pipeline', tx: 'from the pipeline to the device' } as const;

function addPorts(metrics: Metrics, agent: MeasuredAgent, counted: () => Counters | undefined): void {
  const labels = ['port', 'kind', 'network'] as const;
  const ports = (count: keyof PortCounters) => (): Series[] => {
    const counts = counted()?.ports ?? {};
    const named = agent.numbers().ports.map(({ id, ...port }) => ({ id, ...port }));
    return [{ id: 1, name: 'vtep', kind: 'tunnel', network: '' }, ...named].flatMap(({ id, name, kind, network }): Series[] => {
      const port = counts[id];
      return port === undefined ? [] : [[name, kind, network, port[count]]];
    });
  };
  for (const direction of ['rx', 'tx'] as const) {
    const way = directions[direction];
    metrics.total(`dvr_port_${direction}_packets_total`, `Packets of a port, ${way}.`, labels, ports(`${direction}Packets`));
    metrics.total(`dvr_port_${direction}_bytes_total`, `Bytes of a port, ${way}.`, labels, ports(`${direction}Bytes`));
  }
}

function addWork(metrics: Metrics, agent: MeasuredAgent): void {
  metrics.gauge('dvr_view_generation', 'The generation that the controllers have told.', [],
    () => [[agent.generations().given]]);
  metrics.gauge('dvr_applied_generation', 'The generation that the node has applied.', [],
    () => [[agent.generations().applied]]);
  metrics.gauge('dvr_router_way', '1 for the way that a router\'s traffic takes here.', ['router', 'way'],
    () => (agent.numbers().routers ?? []).map(({ id, way }) => [id, way, 1]));
  metrics.total('dvr_reconcile_steps_total', 'Steps taken, by how they ended: done, or the code of what failed.', ['step', 'result'],
    () => [...agent.work.steps].flatMap(([step, results]) => [...results].map(([result, count]): Series => [step, result, count])));
  metrics.total('dvr_repairs_total', 'Namespaces found otherwise than they had been built, and mended.', [],
    () => [[agent.work.repairs]]);
  metrics.total('dvr_devices_gone_total', 'Devices that somebody deleted, or that went with their namespace.', [],
    () => [[agent.work.devicesGone]]);
}
