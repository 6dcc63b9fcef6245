/**
 * A live migration as Nova tells of it: `migrating_to` in the port's binding:profile prepares that node, without it the
 * port stays; and binding:host_id of that node (ports.ts) finishes. The profile itself is kept as it was given.
 */
import type { Binding, Port } from '../../model/resources.js';
import { isRecord } from '../../model/untrusted.js';
import { invalidInput } from '../api/faults.js';
import { arrived, stayed } from '../bindings.js';
import type { Intent } from '../intent.js';

/** The port as its profile, where one is given, wants it. @throws NeutronFault InvalidInput for a node that there is not */
export function asProfileSays(intent: Intent, port: Port, profile: unknown): Port {
  const { binding } = port;
  if (profile === undefined || binding === undefined) return port;
  const wanted = isRecord(profile) ? profile['migrating_to'] : undefined;
  if (wanted === undefined || wanted === '') return binding.migration === undefined ? port : stayed(port, binding);
  const to = typeof wanted === 'string' ? intent.nodes.get(wanted)?.name : undefined;
  if (to === undefined) throw invalidInput(`binding:profile: there is no node ${JSON.stringify(wanted)} to migrate to`);
  // What is there already needs no preparation, and what is prepared keeps its device.
  if (to === binding.node || to === binding.migration?.to) return port;
  return { ...port, binding: { ...binding, migration: { to, boundAt: intent.generation + 1 } } };
}

/** The binding of a port that is prepared to be on that node; undefined where it is not. */
export function finishedOn(intent: Intent, port: Port, host: string): Binding | undefined {
  const migration = port.binding?.migration;
  return migration?.to === host ? arrived(port, migration, intent.generation).binding : undefined;
}
