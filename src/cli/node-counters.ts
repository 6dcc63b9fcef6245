/** What dataplanes have counted, by node: what `dvr drops` and `dvr counters` both begin with. */
import type { Counters } from '../dataplane/interface.js';
import { controllerClient } from './client.js';

/** Of this node, or of every node the controller knows. */
export async function nodeCounters(node?: string): Promise<ReadonlyMap<string, Counters>> {
  const client = controllerClient();
  const nodes = node === undefined ? (await client.nodes()).map(({ name }) => name) : [node];
  const counted = nodes.map(async (name) => [name, await client.nodeCall(name, 'counters')] as const);
  return new Map(await Promise.all(counted));
}
