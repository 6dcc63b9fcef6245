/**
 * What can be asked of a node through the controller: POST /dvr/v1/nodes/NODE/call {method, params}.
 * The controller relays the call on the agent's stream and the agent answers from its dataplane.
 */
export const nodeCallMethods = [
  'hello', 'counters', 'tables', 'setTrace', 'takeTrace', 'inject', 'probe', 'ids', 'diff', 'examine',
] as const;
export type NodeCallMethod = (typeof nodeCallMethods)[number];

/*
 * method     params                              result
 * hello      {}                                  DataplaneHello
 * counters   {}                                  Counters
 * tables     {}                                  TableDump[]
 * setTrace   { marker: hex of 16 bytes }         {}   a lease: DVR_CONFLICT while another marker holds it
 *            { marker: null, release: hex }      {}   gives back the lease of that marker
 * takeTrace  { marker: hex }                     TraceDump   of packets that carry the lease's marker
 * inject     { portId, frame: base64 }           {}
 * probe      { netns, target, count, ttl? }      { sent, received, rttMs: number[] }   raw-socket inside netns
 * ids        {}                                  NodeIds
 * examine    {}                                  Examination   what is wrong with the machine
 * diff       {}                                  NodeDifferences   what is otherwise than the view wants it
 */

import type { RouterReport } from './node-view.js';

/**
 * What a port of the fast path is: a VM's, a router's (`qr-`), the SNAT namespace's in a tenant network (`sg-`) and in the
 * external one (`qg-`), the FIP namespace's (`fg-`), a provider network's wire.
 */
export type NodePortKind = 'vm' | 'router' | 'snat' | 'gateway' | 'fip' | 'uplink';

/** What turns a port id or local VLAN of a trace back into names, and says which way routers take. */
export interface NodeIds {
  readonly ports: readonly { readonly id: number; readonly name: string; readonly kind: NodePortKind; readonly network: string }[];
  readonly localVlans: readonly { readonly network: string; readonly localVlan: number }[];
  readonly routerNumbers: readonly { readonly router: string; readonly number: number }[];
  /** Which way each router's traffic takes there now, and why. */
  readonly routers?: readonly RouterReport[];
}

/** Messages of the agent stream (WebSocket, JSON, one message a frame). */
export type ControllerMessage =
  /** All that the node must know: first, and whenever the agent asks for it. */
  | { readonly type: 'view'; readonly view: import('./node-view.js').NodeView }
  /** What has changed since the last view of this connection. */
  | { readonly type: 'delta'; readonly delta: import('./view-delta.js').ViewDelta }
  | { readonly type: 'call'; readonly id: number; readonly method: NodeCallMethod; readonly params: Readonly<Record<string, unknown>> };
export type AgentMessage =
  | {
    readonly type: 'register'; readonly node: string; readonly vtepIp: string; readonly underlayMtu: number; readonly version: string;
    /** Of the view that it has. */
    readonly generation?: number;
  }
  /** A delta did not fit: it wants the whole view again. */
  | { readonly type: 'resync' }
  | { readonly type: 'report'; readonly report: import('./node-view.js').NodeReport }
  | { readonly type: 'announced'; readonly addresses: readonly AnnouncedAddress[] }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly code: string; readonly message: string };

/** An address of its allowed pairs that a port of the node has announced as its own. */
export interface AnnouncedAddress {
  readonly port: string;
  readonly ip: string;
  /** With which it was announced. */
  readonly mac: string;
  /** How long ago. */
  readonly ageMs: number;
}
