/**
 * Which way a router's traffic takes on this node: through the fast path's `route` stage, or through the
 * router namespace, and why. Decided for each router by the agent; the rows of `route` say it to br-int.
 */
import type { RouterWay } from '../../model/routing.js';

export type { RouterWay };

/** By router id. A router that is not in it takes the namespace, which can do everything. */
export type RouterWays = ReadonlyMap<string, RouterWay>;

/** Every router through its namespace. */
export const allByNamespace: RouterWays = new Map();
