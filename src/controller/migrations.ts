/**
 * Live migration of a port, in two steps. Prepared, the other node has everything it needs: the networks, its copies
 * of the routers and the plugged device, and takes in what the guest says there; all traffic to the port still goes
 * where it is bound. Finished, the port is bound there, and every node follows. Pure.
 *
 * What is in between is a part of the binding, and goes with it.
 */
import { DvrError } from '../model/errors.js';
import type { Binding, Migration, Port, PortAttachment } from '../model/resources.js';
import { arrived, stayed } from './bindings.js';
import { withEntry, type Intent } from './intent.js';
import { nodeOf } from './node-commands.js';
import { portOf } from './port-commands.js';
import type { Change } from './state.js';

export type MigratePort =
  | {
      readonly command: 'migratePort';
      readonly name: string;
      readonly step: 'prepare';
      readonly to: string;
      /** Where its device is to appear there; it may be said later, by preparing again. */
      readonly attachment?: PortAttachment;
    }
  | { readonly command: 'migratePort'; readonly name: string; readonly step: 'finish' | 'abort' };

/** @throws DvrError DVR_NOT_FOUND, DVR_CONFLICT where the port is bound nowhere, or on its way to another node. */
export function migratePort(intent: Intent, command: MigratePort): Change {
  const port = portOf(intent, command.name);
  if (port.binding === undefined)
    throw conflict(`port ${port.name} is bound to no node`, `plug it in where it is to be: dvr port attach ${port.name}`);
  switch (command.step) {
    case 'prepare':
      return prepare(intent, port, port.binding, command.to, command.attachment);
    case 'finish':
      if (port.binding.migration === undefined)
        throw conflict(`port ${port.name} is not migrating`, `say where to: dvr port migrate ${port.name} --to NODE`);
      return moved(intent, arrived(port, port.binding.migration, intent.generation), 'port_bound', port.binding.migration);
    case 'abort':
      // One that is not under way is given up already.
      if (port.binding.migration === undefined) return { intent, events: [] };
      return moved(intent, stayed(port, port.binding), 'port_migration_ended', port.binding.migration);
  }
}

function prepare(
  intent: Intent,
  port: Port,
  binding: Binding,
  wanted: string,
  attachment: PortAttachment | undefined,
): Change {
  const to = nodeOf(intent, wanted).name;
  const { migration } = binding;
  if (to === binding.node) throw conflict(`port ${port.name} is on ${to} already`, 'migrate it to another node');
  if (migration !== undefined && migration.to !== to)
    throw conflict(
      `port ${port.name} is migrating to ${migration.to}`,
      `finish that, or give it up: dvr port migrate ${port.name} --abort`,
    );
  const plug = attachment ?? migration?.attachment;
  if (migration !== undefined && sameText(plug, migration.attachment)) return { intent, events: [] };
  const next: Migration = { to, boundAt: intent.generation + 1, ...(plug === undefined ? {} : { attachment: plug }) };
  return moved(intent, { ...port, binding: { ...binding, migration: next } }, 'port_migrating', next);
}

function moved(
  intent: Intent,
  port: Port,
  event: 'port_bound' | 'port_migrating' | 'port_migration_ended',
  { to: node }: Migration,
): Change {
  return {
    intent: { ...intent, ports: withEntry(intent.ports, port.name, port) },
    events: [{ event, port: port.name, node }],
  };
}

const sameText = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

function conflict(message: string, hint: string): DvrError {
  return new DvrError('DVR_CONFLICT', message, hint);
}
