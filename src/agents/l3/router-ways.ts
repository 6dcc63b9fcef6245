/**
 * Which way a router's traffic takes on this node, and why: pure. A router that routes by itself goes the
 * fast way until there is a reason why its packets must be seen inside its namespace (inside-router.ts).
 * The rows of `route` say the way to br-int; `dvr status` and `dvr walk` say it to people.
 */
import type { RouterWay, RoutingMode } from '../../model/routing.js';

export type { RouterWay };

/** By router id. A router that is not in it takes the namespace, which can do everything. */
export type RouterWays = ReadonlyMap<string, RouterWay>;

/** Every router through its namespace. */
export const allByNamespace: RouterWays = new Map();

/** @param reasons for the namespace, the weightiest first; each a sentence's end. */
export function routerWay(mode: RoutingMode, reasons: readonly string[]): RouterWay {
  if (mode !== 'auto') return { way: mode, why: `routing is ${mode}` };
  const [first, ...others] = reasons;
  if (first === undefined) return { way: 'fast', why: 'routing is auto and nobody looks or rules inside' };
  return { way: 'namespace', why: others.length === 0 ? first : `${first}, and ${String(others.length)} more` };
}
