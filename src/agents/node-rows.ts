/** All rows of this node, from every program: what the dataplane is to hold, whole. Pure. */
import type { Row } from '../dataplane/rows.js';
import type { NodeView } from '../model/node-view.js';
import { brIntProgram } from './l2/br-int-program.js';
import { brTunProgram } from './l2/br-tun-program.js';
import { learnedRows, type Learned } from './l2/learned.js';
import { portsProgram } from './l2/ports-program.js';
import { routerProgram } from './l3/router-program.js';
import type { RouterWays } from './l3/router-ways.js';
import type { LocalIds } from './local-ids.js';

export function nodeRows(view: NodeView, ids: LocalIds, learned: Learned, ways: RouterWays): Row[] {
  return [
    ...portsProgram(view, ids), ...brIntProgram(view, ids), ...routerProgram(view, ids, ways),
    ...brTunProgram(view, ids), ...learnedRows(learned, ids),
  ];
}
