/**
 * The controller as a pure function: a state and a command give the next state and what happened, or an
 * error and nothing at all. No clock, no randomness, no I/O: the same commands give the same state.
 *
 * Commands may come twice or late. What is already so is no error and no event.
 */
import type { IpAddress, MacAddress } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import type { Name } from '../model/identifiers.js';
import type { NodeReport } from '../model/node-view.js';
import type { AllowedAddressPair, MadeBy, PortAttachment, PortIntent } from '../model/resources.js';
import type { Topology } from '../model/topology.js';
import type { ApiCommand } from './api/writes.js';
import { moveAddresses, withAddressHolders, type Announcement } from './address-holders.js';
import { applyTopology } from './apply-topology.js';
import { boundPorts } from './bound-ports.js';
import { migratePort, type MigratePort } from './migrations.js';
import { withGateways } from './gateways.js';
import { withRecords } from './records.js';
import { write } from './resources/write.js';
import { emptyState, type ControllerState, type Intent } from './intent.js';
import { registerNode, removeNode, reportNode } from './node-commands.js';
import {
  attachPort,
  bindPort,
  createPort,
  deletePort,
  detachPort,
  updatePort,
} from './port-commands.js';
import { differ, tooLarge, viewsOf } from './views.js';

export type Command =
  /** Replaces everything declared; ports that attach made stay. */
  | { readonly command: 'applyTopology'; readonly topology: Topology }
  | {
      readonly command: 'createPort';
      readonly port: PortIntent;
      readonly madeBy: MadeBy;
    }
  /** Binds the port and plugs it in; makes it first where it does not exist. */
  | ({ readonly command: 'attachPort' } & AttachRequest)
  /** Unbinds the port; deletes it where attach had made it. */
  | { readonly command: 'detachPort'; readonly name: string }
  | { readonly command: 'deletePort'; readonly name: string }
  /** Binds the port to a node without plugging it in anywhere. */
  | { readonly command: 'bindPort'; readonly name: string; readonly node: string }
  | {
      readonly command: 'setAllowedPairs';
      readonly name: string;
      readonly pairs: readonly AllowedAddressPair[];
    }
  | { readonly command: 'updatePort'; readonly name: string; readonly changes: PortChanges }
  | {
      readonly command: 'registerNode';
      readonly node: string;
      readonly vtepIp: string;
      readonly underlayMtuBytes: number;
      /** Of the view that the node has. */
      readonly generation?: number;
    }
  | { readonly command: 'removeNode'; readonly node: string }
  /** Ports say that addresses of their allowed pairs are theirs now. */
  | { readonly command: 'moveAddresses'; readonly announced: readonly Announcement[] }
  | { readonly command: 'reportNode'; readonly report: NodeReport }
  | MigratePort
  /** What a client of the Networking API asks for. */
  | ApiCommand;

export interface AttachRequest {
  readonly name: Name;
  readonly network?: string;
  /** Default: where the topology wants the port. */
  readonly node?: string;
  readonly ip?: IpAddress;
  readonly attachment: PortAttachment;
}

export interface PortChanges {
  readonly ips?: readonly IpAddress[];
  /** Refused while the port is bound: a guest would keep the old one. */
  readonly mac?: MacAddress;
  readonly allowedAddressPairs?: readonly AllowedAddressPair[];
}

/** What happened, for the log: facts about things that have names. */
export type ControllerEvent =
  | {
      readonly event: 'topology_applied';
      readonly nodes: number;
      readonly networks: number;
      readonly ports: number;
    }
  | { readonly event: 'port_created' | 'port_deleted' | 'port_changed'; readonly port: string }
  | {
      readonly event: 'port_bound' | 'port_unbound' | 'port_gone' | 'port_migrating' | 'port_migration_ended';
      readonly port: string;
      readonly node: string;
    }
  | { readonly event: 'node_registered'; readonly node: string; readonly underlayMtuBytes: number }
  | {
      readonly event: 'address_moved';
      readonly network: string;
      readonly ip: string;
      readonly port: string;
      readonly from?: string;
    }
  | { readonly event: 'node_removed'; readonly node: string }
  | { readonly event: 'written'; readonly write: ApiCommand['write']; readonly of: string; readonly ids: readonly string[] };

export interface Step {
  readonly state: ControllerState;
  readonly events: readonly ControllerEvent[];
}

/** What one command does to a state; throws the DvrError that `step` answers with. */
export interface Change {
  readonly intent: Intent;
  readonly reports?: ControllerState['reports'];
  readonly events: readonly ControllerEvent[];
}

/**
 * One step of the controller.
 *
 * @param at when it is decided, RFC 3339 in whole seconds: what records say of it.
 * @example
 * const step = step(emptyState, { command: 'applyTopology', topology });
 * if (step instanceof DvrError) throw step;
 */
export function step(state: ControllerState, command: Command, at = START): Step | DvrError {
  try {
    const change = changeOf(state, command);
    return {
      state: {
        intent: stamped(state.intent, change.intent, at),
        reports: change.reports ?? state.reports,
      },
      events: change.events,
    };
  } catch (error) {
    if (error instanceof DvrError) return error;
    throw error;
  }
}

export { emptyState };

const START = '1970-01-01T00:00:00Z';

function changeOf(state: ControllerState, command: Command): Change {
  const { intent } = state;
  switch (command.command) {
    case 'applyTopology':
      return forgetReports(state, applyTopology(intent, command.topology));
    case 'createPort':
      return createPort(intent, command.port, command.madeBy);
    case 'attachPort':
      return attachPort(intent, command);
    case 'detachPort':
      return detachPort(intent, command.name);
    case 'deletePort':
      return deletePort(intent, command.name);
    case 'bindPort':
      return bindPort(intent, command.name, command.node);
    case 'setAllowedPairs':
      return updatePort(intent, command.name, { allowedAddressPairs: command.pairs });
    case 'updatePort':
      return updatePort(intent, command.name, command.changes);
    case 'registerNode':
      return registerNode(state, command);
    case 'removeNode':
      return removeNode(state, command.node);
    case 'moveAddresses':
      return moveAddresses(intent, command.announced);
    case 'reportNode':
      return reportNode(state, command.report);
    case 'migratePort':
      return migratePort(intent, command);
    case 'api':
      return { intent: write(intent, command), events: [eventOf(command)] };
  }
}

/** A node that leaves takes its report along. */
function forgetReports(state: ControllerState, change: Change): Change {
  const reports = new Map([...state.reports].filter(([node]) => change.intent.nodes.has(node)));
  return { ...change, reports };
}

/** The next intent with the generation it has: one more where any node must be told. */
function stamped(before: Intent, after: Intent, at: string): Intent {
  if (after === before) return before;
  // Whatever is asked of the new intent, from here on, is worked out from what is known of the one before.
  boundPorts(after.ports, before.ports);
  const settled = withRecords(before, withGateways(withAddressHolders(after), before), at);
  const next = { ...settled, generation: after.generation + 1 };
  const [told, telling] = [viewsOf(before), viewsOf(next, before)];
  const fault = tooLarge(told, telling);
  if (fault !== undefined) throw fault;
  if (differ(told, telling)) return next;
  viewsOf(settled, before);
  return settled;
}

function eventOf(command: ApiCommand): ControllerEvent {
  const { write: what } = command;
  switch (command.write) {
    case 'create':
      return { event: 'written', write: what, of: command.of, ids: command.items.map(({ id }) => id) };
    case 'update':
    case 'remove':
    case 'setTags':
    case 'addTag':
    case 'removeTag':
      return { event: 'written', write: what, of: command.of, ids: [command.id] };
    case 'setQuotas':
      return { event: 'written', write: what, of: 'quotas', ids: [command.project] };
    default:
      return { event: 'written', write: what, of: 'routers', ids: [command.router] };
  }
}
