/**
 * What is learned behind interop VTEPs, as a pure value: which "learned" events count, which rows they
 * make, and when they are forgotten. The only learning there is; everywhere else the controller's L2
 * population is the FDB.
 *
 * Anybody behind a foreign VTEP can send any source MAC, so this is bounded three ways: events a second,
 * rows in all, and a life of 300 s. A row whose time is up becomes stale first: the fast path tells of a
 * MAC it knows only when that is stale, and so a host that still speaks never loses its row. A DVR MAC,
 * a router's or a populated one is never learned.
 */
import type { DataplaneEvent } from '../../dataplane/interface.js';
import type { Row } from '../../dataplane/rows.js';
import type { NodeView } from '../../model/node-view.js';
import type { LocalIds } from '../local-ids.js';
import { macsOf } from './ports-program.js';

export type LearnedEvent = Extract<DataplaneEvent, { readonly event: 'learned' }>;

export interface LearnedMac {
  readonly network: string;
  readonly mac: string;
  readonly vtep: string;
  /** Stale rows still forward, but their senders are reported anew when they are seen (classify). */
  readonly stale: boolean;
  /** When a fresh one becomes stale, and a stale one is forgotten. */
  readonly untilMs: number;
}

export interface Learned {
  readonly macs: ReadonlyMap<string, LearnedMac>;
  /** Events that may still count before more time passes (a token bucket). */
  readonly tokens: number;
  readonly tokensAtMs: number;
}

/** The life of a learned location, as in deployed Neutron. */
export const kFreshMs = 300_000;
/** What sends at all is heard again in this time, even if all that can be learned became stale at once. */
export const kStaleMs = 60_000;
/** When reached nothing more is learned until something is forgotten. */
export const kMaxLearned = 4096;
/** Events that count in a second; the rest come again with their senders' next frames. */
export const kEventsPerSecond = 256;

export const nothingLearned: Learned = { macs: new Map(), tokens: kEventsPerSecond, tokensAtMs: 0 };

const pairOf = (network: string, macOrVtep: string): string => `${network} ${macOrVtep}`;

/** What may be learned: everything but `known` MACs of a network and all DVR MACs, from the `sources`. */
export interface LearnRules {
  readonly networkOf: ReadonlyMap<number, string>;
  readonly known: ReadonlySet<string>;
  readonly dvrMacs: ReadonlySet<string>;
  /** Interop VTEPs, each with a network it takes part in. */
  readonly sources: ReadonlySet<string>;
}

export function learnRules(view: NodeView, ids: LocalIds): LearnRules {
  const interop = new Set(view.peers.filter((peer) => peer.interop).map(({ vtepIp }) => vtepIp));
  const known = view.networks.flatMap(({ name, ports, routerInterfaces }) =>
    [...ports.flatMap(macsOf), ...routerInterfaces.map(({ mac }) => mac)].map((mac) => pairOf(name, mac)));
  const sources = view.networks.flatMap(({ name, floodVteps }) =>
    floodVteps.filter((vtep) => interop.has(vtep)).map((vtep) => pairOf(name, vtep)));
  return {
    networkOf: new Map(Object.entries(ids.localVlans).map(([network, localVlan]) => [localVlan, network])),
    known: new Set(known),
    dvrMacs: new Set([view.node.dvrMac, ...view.peers.flatMap(({ dvrMac }) => dvrMac ?? [])]),
    sources: new Set(sources),
  };
}

/** The state after the events. */
export function learn(
  before: Learned, events: readonly LearnedEvent[], rules: LearnRules, nowMs: number,
): Learned {
  const refill = ((nowMs - before.tokensAtMs) / 1000) * kEventsPerSecond;
  let tokens = Math.min(kEventsPerSecond, before.tokens + refill);
  const macs = new Map(before.macs);
  for (const { localVlan, mac, vtep } of events) {
    const network = rules.networkOf.get(localVlan);
    if (network === undefined || !mayLearn({ network, mac, vtep }, rules)) continue;
    const key = pairOf(network, mac);
    const known = macs.get(key);
    // Seen again before the row was there: what one host sends in a burst must not use up all tokens.
    if (known?.vtep === vtep && !known.stale) continue;
    if (tokens < 1 || (macs.size >= kMaxLearned && known === undefined)) continue;
    tokens -= 1;
    macs.set(key, { network, mac, vtep, stale: false, untilMs: nowMs + kFreshMs });
  }
  return { macs, tokens, tokensAtMs: nowMs };
}

/** What has had its time is stale or goes, and so does what the view meanwhile says better or forbids. */
export function age(before: Learned, rules: LearnRules, nowMs: number): Learned {
  const macs = new Map<string, LearnedMac>();
  for (const [key, entry] of before.macs) {
    if (!mayLearn(entry, rules)) continue;
    if (entry.untilMs > nowMs) macs.set(key, entry);
    else if (!entry.stale) macs.set(key, { ...entry, stale: true, untilMs: nowMs + kStaleMs });
  }
  return { ...before, macs };
}

/** Whether the two make other rows. */
export function rowsDiffer(before: Learned, after: Learned): boolean {
  if (before.macs.size !== after.macs.size) return true;
  return [...after.macs].some(([key, { vtep, stale }]) => {
    const old = before.macs.get(key);
    return old?.vtep !== vtep || old.stale !== stale;
  });
}

function mayLearn(
  entry: Pick<LearnedMac, 'network' | 'mac' | 'vtep'>, { known, dvrMacs, sources }: LearnRules,
): boolean {
  const { network, mac, vtep } = entry;
  return sources.has(pairOf(network, vtep)) && !dvrMacs.has(mac) && !known.has(pairOf(network, mac));
}

export function learnedRows({ macs }: Learned, ids: LocalIds): Row[] {
  return [...macs.values()].flatMap(({ network, mac, vtep, stale }): Row[] => {
    const localVlan = ids.localVlans[network];
    if (localVlan === undefined) return [];
    const key = { local_vlan: localVlan, mac };
    return [{ table: 'ucast_to_tun', key, value: { vtep, learned: true, stale } }];
  });
}
