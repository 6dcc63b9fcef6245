/**
 * Who does the source NAT of each router that several nodes could do it of: the nodes choose among themselves,
 * and the controller only hears of it. Where they differ, for a moment, most of them are right.
 */
import type { Winners } from '../model/elected.js';
import type { NodeReport } from '../model/node-view.js';

/** By router. @param reports of nodes that are connected: the others' are of before. */
export function winnersOf(reports: readonly NodeReport[]): Winners {
  const voices = new Map<string, Map<string, number>>();
  for (const { id, snatNode } of reports.flatMap(({ routers = [] }) => routers)) {
    if (snatNode === undefined) continue;
    const counts = voices.get(id) ?? new Map<string, number>();
    voices.set(id, counts.set(snatNode, (counts.get(snatNode) ?? 0) + 1));
  }
  return Object.fromEntries([...voices].flatMap(([id, counts]) => {
    const [first] = [...counts].sort((left, right) => right[1] - left[1]);
    return first === undefined ? [] : [[id, first[0]]];
  }));
}
