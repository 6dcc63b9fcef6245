/** The state of a controller that has long been at work: every port made and bound, in the store before it starts. */
import { join } from 'node:path';
import { emptyState } from '../../../src/controller/intent.js';
import { silentLog } from '../../../src/controller/log.js';
import { step } from '../../../src/controller/state.js';
import { KeptIntent } from '../../../src/controller/store/kept-intent.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import { DvrError } from '../../../src/model/errors.js';
import type { Name } from '../../../src/model/identifiers.js';
import { parseTopology } from '../../../src/model/topology.js';
import { networkName, nodeName, nodeOfPort, topologyOf, type Size } from './cloud.js';

export async function prefill(stateDir: string, size: Size): Promise<void> {
  const names = Array.from({ length: size.ports }, (_, at) => `p${at}`);
  const lines = names.map((name, at) => `  ${name}: { network: ${networkName(at % size.networks)} }\n`);
  const topology = parseTopology(`${topologyOf(size)}ports:\n${lines.join('')}`);
  const applied = step(emptyState, { command: 'applyTopology', topology }, '2026-01-01T00:00:00Z');
  if (applied instanceof DvrError) throw applied;
  const { intent } = applied.state;
  const ports = new Map(intent.ports);
  names.forEach((name, at) => {
    const port = ports.get(name);
    if (port === undefined) throw new Error(`there is no port ${name}`);
    const node = nodeName(nodeOfPort(size, at % size.networks, Math.floor(at / size.networks))) as Name;
    ports.set(name, { ...port, binding: { node, boundAt: intent.generation } });
  });
  const kept = await KeptIntent.open(await LevelStore.open(join(stateDir, 'controller', 'store')), silentLog, () => {});
  await kept.update(() => ({ intent: { ...intent, ports }, commit: () => {} }), () => false);
  await kept.close();
}
