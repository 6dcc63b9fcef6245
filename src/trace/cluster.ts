/**
 * What a walk needs of a cluster, asked through the controller. cli/client.ts is the real one; tests
 * have one in memory.
 */
import type { Counters, DataplaneHello, TableDump, TraceDump } from '../dataplane/interface.js';
import type { NodeCallMethod, NodeIds } from '../model/node-call.js';
import type { Examination } from '../model/finding.js';
import type { NodeDifferences } from '../model/node-difference.js';
import type { NodeView } from '../model/node-view.js';

/** The answers of node calls (model/node-call.ts). */
export interface NodeCallResults extends Record<NodeCallMethod, unknown> {
  readonly hello: DataplaneHello;
  readonly counters: Counters;
  readonly tables: readonly TableDump[];
  readonly setTrace: unknown;
  readonly takeTrace: TraceDump;
  readonly inject: unknown;
  readonly probe: ProbeResult;
  readonly ids: NodeIds;
  readonly diff: NodeDifferences;
  readonly examine: Examination;
}

export interface ProbeResult {
  readonly sent: number; readonly received: number; readonly rttMs: readonly number[];
}

export interface NodeSummary { readonly name: string }

export interface PortSummary {
  readonly name: string; readonly network: string; readonly mac: string; readonly ips: readonly string[];
  readonly node?: string;
}

export interface Cluster {
  nodes(): Promise<readonly NodeSummary[]>;
  ports(): Promise<readonly PortSummary[]>;
  view(node: string): Promise<NodeView>;
  nodeCall<M extends NodeCallMethod>(
    node: string, method: M, params?: Readonly<Record<string, unknown>>,
  ): Promise<NodeCallResults[M]>;
}
