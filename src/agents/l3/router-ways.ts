/**
 * Which way a router's traffic takes on this node, and why: pure. A router that routes by itself goes the
 * fast way until there is a reason why its packets must be seen inside its namespace (inside-router.ts).
 * The rows of `route` say the way to br-int; `dvr status` and `dvr walk` say it to people.
 */
import { DvrError } from '../../model/errors.js';
import { isRoutingMode, routingModes, type RouterWay, type RoutingMode } from '../../model/routing.js';

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

/**
 * The mode that DVR_ROUTING sets for every router of this process, whatever the topology says: an aid for
 * finding out whether the way matters.
 * @throws DVR_USAGE where it is no mode.
 */
export function modeOverride(environment: NodeJS.ProcessEnv): RoutingMode | undefined {
  const text = environment['DVR_ROUTING'];
  if (text === undefined || text === '') return undefined;
  if (isRoutingMode(text)) return text;
  throw new DvrError(
    'DVR_USAGE', `DVR_ROUTING is "${text}", which is no way to route`, `there are ${routingModes.join(', ')}`,
  );
}
