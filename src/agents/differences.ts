/**
 * Holds the node against its view, without changing anything: rows and devices of the dataplane, namespaces, what is
 * plugged in. What `reconcile.ts` would do is what is different.
 */
import type { Dataplane } from '../dataplane/interface.js';
import { rowText } from '../dataplane/row-text.js';
import { admitRows, diffRows, rowsFromDump, type Row } from '../dataplane/rows.js';
import type { Difference, NodeDifferences } from '../model/node-difference.js';
import type { NodeView } from '../model/node-view.js';
import type { Namespace } from '../namespaces/namespace.js';
import type { Desired } from './desired.js';
import { plan, type Actual, type Step } from './reconcile.js';

/** What the agent knows of the node, and how it looks into a namespace. */
export interface Inspected {
  readonly view: NodeView;
  readonly desired: Desired;
  readonly actual: Actual;
  readonly rows: Iterable<Row>;
  readonly lookInto: (namespace: Namespace) => Promise<readonly Difference[]>;
}

/** A person reads a screenful, a program these; a node that lacks more lacks everything. */
const kMaxDifferences = 1000;
/** An answer must be there before whoever asked gives up. */
const kLookMs = 3500;

export async function differencesOf(inspected: Inspected, dataplane: Dataplane): Promise<NodeDifferences> {
  const deadlineMs = performance.now() + kLookMs;
  const found: Difference[] = await dataplaneDifferences(inspected, dataplane);
  const notLookedAt: string[] = [];
  for (const namespace of inspected.desired.namespaces) {
    if (performance.now() < deadlineMs) found.push(...await inspected.lookInto(namespace));
    else notLookedAt.push(namespace.name);
  }
  return {
    generation: inspected.view.generation, differences: found.slice(0, kMaxDifferences),
    leftOut: Math.max(0, found.length - kMaxDifferences), notLookedAt,
  };
}

/** What is open is asked of the dataplane, whatever the agent thinks. */
async function dataplaneDifferences({ desired, actual, rows }: Inspected, dataplane: Dataplane): Promise<Difference[]> {
  const [{ devices }, dumps] = await Promise.all([dataplane.hello(), dataplane.tables()]);
  const steps = plan(desired, { ...actual, devices: devices.map(({ spec }) => spec) });
  const operations = diffRows(rowsFromDump(dumps), admitRows(rows).rows);
  return [
    ...steps.flatMap(stepDifference),
    ...operations.map(({ operation, bytes }): Difference => {
      const { table, text } = rowText(bytes);
      return { where: `table ${table}`, kind: operation === 'delete' ? 'surplus' : 'missing', what: text };
    }),
  ];
}

/** Steps that are taken whenever there is work are no difference; what is closed to be opened anew is told once. */
function stepDifference(step: Step): Difference[] {
  switch (step.step) {
    case 'open': return [{ where: 'dataplane', kind: 'missing', what: `device ${step.spec.name}` }];
    case 'close': return [{ where: 'dataplane', kind: 'surplus', what: `device ${step.device}` }];
    case 'plug': return [{ where: 'ports', kind: 'missing', what: `plug of port ${step.plug.port}` }];
    case 'unplug': return [{ where: 'ports', kind: 'surplus', what: `plug of port ${step.plug.port}` }];
    case 'remove': return [{ where: step.namespace, kind: 'surplus', what: 'the namespace' }];
    case 'build': case 'rows': case 'announce': return [];
  }
}
