/** The shapes of a walk: what it is made from, and what `dvr walk --json` prints. */
import type { TraceRecord } from '../dataplane/interface.js';
import type { PipelineDescription } from '../dataplane/native.js';
import type { NodeIds } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';

/** One end of a walk. A destination may be an address that no port has: then only `ip` is there. */
export interface WalkEnd {
  readonly name?: string;
  readonly ip: string;
  readonly network?: string;
  readonly node?: string;
}

/** What one node has to say: its records, and what is needed to name the numbers in them. */
export interface NodeTrace {
  readonly records: readonly TraceRecord[];
  /** Records that did not fit the node's ring. */
  readonly lost: number;
  readonly ids: NodeIds;
  readonly view: NodeView;
}

export interface WalkInput {
  readonly source: WalkEnd;
  readonly destination: WalkEnd;
  readonly nodes: readonly NodeTrace[];
  /** Names of nodes that did not answer. */
  readonly unanswered: readonly string[];
  readonly pipeline: Pick<PipelineDescription, 'stages' | 'dropReasons'>;
}

/** A header field as it was and as it is now, with names: "fa:16:3e:00:00:05 (vm1)", "none". */
export interface FieldChange {
  readonly field: string; readonly before: string; readonly after: string;
}

/** One stage of the fast path. `timeUs` counts from the packet's first stage on the node. */
export interface StagePassed {
  readonly stage: string; readonly next: string; readonly timeUs: number;
}

/** The wire between two nodes. */
export interface Underlay {
  readonly fromNode: string; readonly fromVtep: string;
  readonly toNode: string; readonly toVtep: string;
  readonly vni: number;
  /** The packet inside (IP), what VXLAN adds to it, and the most the network lets inside. */
  readonly innerBytes: number; readonly addedBytes: number; readonly mtuBytes: number;
}

/**
 * One line of the walk. Step names are the seed's, EW1 to EW7, for a routed pair. Others have their own:
 *  - EW7' is a routed frame's delivery on the node it was routed on: EW4 to EW7 in one, without a tunnel;
 *  - L2-1 (br-int), L2-2 (br-tun), L2-3 (br-tun), L2-4 (br-int) carry a frame inside its own network;
 *    between two ports of one node, L2-1 is all there is;
 *  - NS1 to NS9 are the seed's way out by source NAT, and NS9' what br-ex does after it; NB1 (br-ex) and NB2
 *    (SNAT namespace) are the way back, which goes on inside the VM's own network;
 *  - FO1 (br-int), FO2 (router namespace), FO3 (FIP namespace) and FO4 (br-ex) lead out by a floating IP, FI1
 *    to FI4 in by one, through the same places from the other end.
 */
export interface WalkStep {
  readonly number: number;
  readonly step: string;
  /** In the seed's words: "br-int", "router namespace r1" ("router r1" in the fast path), "br-tun", "SNAT namespace". */
  readonly place: string;
  readonly node: string;
  readonly what: string;
  readonly changes: readonly FieldChange[];
  /** At a router: the way its traffic takes on the node, and the reason for it. */
  readonly why?: string;
  readonly timeUs: number;
  readonly stages: readonly StagePassed[];
  /** The wire the packet takes after this step. */
  readonly underlay?: Underlay;
}

export type WalkOutcome =
  | { readonly kind: 'delivered'; readonly to: string; readonly node: string }
  | {
    readonly kind: 'dropped'; readonly step: string; readonly node: string;
    readonly reason: string; readonly sentence: string; readonly hint: string;
  }
  /** Seen at `step`, not at `missing`. */
  | {
    readonly kind: 'lost'; readonly step: string; readonly missing: string;
    readonly node: string; readonly sentence: string; readonly hint: string;
  }
  | { readonly kind: 'unanswered'; readonly node: string };

export interface WalkPart {
  readonly source: WalkEnd;
  readonly destination: WalkEnd;
  readonly steps: readonly WalkStep[];
  readonly outcome: WalkOutcome;
}

export interface Walk extends WalkPart {
  /** What else the reader should know: nodes that did not answer, records that were lost. */
  readonly notes: readonly string[];
  /** The answer's way back, when it was asked for. */
  readonly reply?: WalkPart;
}

/** The exit codes of `dvr walk`, part of its interface. */
export const walkExitCodes = {
  delivered: 0, dropped: 2, lost: 3, unanswered: 4,
} as const satisfies Record<WalkOutcome['kind'], number>;
