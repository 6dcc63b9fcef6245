/**
 * What is learned behind interop VTEPs, as a pure value: which "learned" events count, which rows they
 * make, and when they are forgotten. The only learning there is; everywhere else the controller's L2
 * population is the FDB.
 *
 * Anybody behind a foreign VTEP can send any source MAC, so this is bounded three ways: events a second,
 * rows in all, and a life of 300 s. A DVR MAC, a router's or a populated one is never learned.
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
  readonly forgetAtMs: number;
}

export interface Learned {
  readonly macs: ReadonlyMap<string, LearnedMac>;
  /** Events that may still count before more time passes (a token bucket). */
  readonly tokens: number;
  readonly tokensAtMs: number;
}

/** The life of a learned location, as in deployed Neutron; the far end is heard again well before. */
export const kForgetMs = 300_000;
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
    if (tokens < 1 || (macs.size >= kMaxLearned && !macs.has(key))) continue;
    tokens -= 1;
    macs.set(key, { network, mac, vtep, forgetAtMs: nowMs + kForgetMs });
  }
  return { macs, tokens, tokensAtMs: nowMs };
}

/** Without what has had its time, and without what the view meanwhile says better or no longer allows. */
export function forget(before: Learned, rules: LearnRules, nowMs: number): Learned {
  const stays = [...before.macs].filter(([, entry]) => entry.forgetAtMs > nowMs && mayLearn(entry, rules));
  return { ...before, macs: new Map(stays) };
}

function mayLearn(
  entry: Pick<LearnedMac, 'network' | 'mac' | 'vtep'>, { known, dvrMacs, sources }: LearnRules,
): boolean {
  const { network, mac, vtep } = entry;
  return sources.has(pairOf(network, vtep)) && !dvrMacs.has(mac) && !known.has(pairOf(network, mac));
}

export function learnedRows({ macs }: Learned, ids: LocalIds): Row[] {
  return [...macs.values()].flatMap(({ network, mac, vtep }): Row[] => {
    const localVlan = ids.localVlans[network];
    if (localVlan === undefined) return [];
    return [{ table: 'ucast_to_tun', key: { local_vlan: localVlan, mac }, value: { vtep, learned: true, stale: false } }];
  });
}
