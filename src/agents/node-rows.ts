/**
 * All rows of this node, from every program: what the dataplane is to hold, whole. Pure. One program after
 * the other, so that the rows of one need not be kept until the next is done.
 */
import type { Row } from '../dataplane/rows.js';
import type { NodeView } from '../model/node-view.js';
import { brExProgram } from './l2/br-ex-program.js';
import { brIntProgram } from './l2/br-int-program.js';
import { brTunProgram } from './l2/br-tun-program.js';
import { learnedRows, type Learned } from './l2/learned.js';
import { portsProgram } from './l2/ports-program.js';
import { snatProgram } from './l2/snat-program.js';
import { raProgram } from './l3/ra-program.js';
import { routerProgram } from './l3/router-program.js';
import type { RouterWays } from './l3/router-ways.js';
import type { LocalIds } from './local-ids.js';

export function* nodeRows(view: NodeView, ids: LocalIds, learned: Learned, ways: RouterWays): Iterable<Row> {
  yield* portsProgram(view, ids);
  yield* brIntProgram(view, ids);
  yield* snatProgram(view, ids);
  yield* raProgram(view, ids);
  yield* routerProgram(view, ids, ways);
  yield* brTunProgram(view, ids);
  yield* brExProgram(view, ids);
  yield* learnedRows(learned, ids);
}
