/**
 * Which way a router's traffic takes: through the fast path's `route` stage, or through the router
 * namespace, where tcpdump and everybody's rules see it. The topology gives the mode; each node decides
 * the way for its own copy, and says why.
 */

/** `auto`: fast, except while somebody looks or rules inside the router namespace. */
export const routingModes = ['auto', 'namespace', 'fast'] as const;
export type RoutingMode = (typeof routingModes)[number];

export const defaultRoutingMode: RoutingMode = 'auto';

export const isRoutingMode = (text: string): text is RoutingMode =>
  (routingModes as readonly string[]).includes(text);

export interface RouterWay {
  readonly way: 'fast' | 'namespace';
  /** In words, for `dvr status` and `dvr walk`. */
  readonly why: string;
}
