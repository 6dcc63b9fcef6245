/** What `dvr doctor` finds on a node, one sentence each. */

export const checks = [
  'agent', 'view', 'errors', 'mtu', 'peers', 'vxlan port', 'offloads', 'addresses', 'clock', 'leftovers', 'kernel',
] as const;
export type Check = (typeof checks)[number];
export type Level = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly check: Check;
  readonly level: Level;
  /** What is so. */
  readonly what: string;
  /** What to do; where all is well there is nothing. */
  readonly todo?: string;
}

/** What a node finds out about itself. */
export interface Examination {
  /** Its clock, to be held against others. */
  readonly nowMs: number;
  readonly version: string;
  readonly findings: readonly Finding[];
}

export const ok = (check: Check, what: string): Finding => ({ check, level: 'ok', what });
export const warn = (check: Check, what: string, todo: string): Finding => ({ check, level: 'warn', what, todo });
export const fail = (check: Check, what: string, todo: string): Finding => ({ check, level: 'fail', what, todo });
