/**
 * What the SNAT agents of a cloud say to each other, as datagrams of JSON on the underlay, where no tenant's
 * packet can get: tcpdump -A shows an election as it is.
 *
 *   ask       a candidate: "vote for me"; or "I am at work", with the term that it won
 *   vote      the answer, where the candidate has the vote: from when on it may count on it
 *   release   a candidate: "I give my votes back"
 *
 * Times are the candidate's own, sent back to it: clocks are never compared.
 */
import { parseName } from '../../model/identifiers.js';

/** UDP and TCP of the underlay: between SNAT agents only. */
export const kSnatPort = 9698;

/** All in milliseconds. A round is how often a candidate looks at how it stands, and the one at work asks. */
export const kRoundMs = 250;
/** How long a promised vote binds: no other candidate gets it meanwhile, however dead the first may be. */
export const kLeaseMs = 600;
/** So much of it the candidate leaves: gates close by a clock of 4 ms, and a packet may be on its way through one. */
export const kGuardMs = 30;
/** While another is heard to be at work, a candidate asks in every fourth round only: that it waits is no news. */
export const kPatientEvery = 4;
/** Who was at work and has not been heard for so long is so no more; well before its leases end. */
export const kFreshMs = 1.5 * kRoundMs;
/** Who waits and has not been heard for so long does not wait any more. */
export const kWaitingMs = (kPatientEvery + 0.5) * kRoundMs;

export interface Ask {
  readonly type: 'ask';
  readonly router: string;
  readonly from: string;
  readonly active: boolean;
  /** Counts owners of the router: the highest is the last. */
  readonly term: number;
  readonly sentMs: number;
}

export interface Vote {
  readonly type: 'vote';
  readonly router: string;
  readonly from: string;
  /** The candidate, by name: a vote that has gone astray is nobody else's. */
  readonly choice: string;
  /** The highest that the voter has heard of. */
  readonly term: number;
  /** Of the ask that this answers. */
  readonly sentMs: number;
}

export interface Release { readonly type: 'release'; readonly router: string; readonly from: string }

export type Ballot = Ask | Vote | Release;

/** A datagram that fits every underlay. */
const kMaxDatagramBytes = 1200;

/** As few datagrams as they fit in. */
export function datagrams(ballots: readonly Ballot[]): Buffer[] {
  const texts: string[] = [];
  for (const ballot of ballots) {
    const text = JSON.stringify(ballot);
    const last = texts.at(-1);
    if (last !== undefined && last.length + text.length + 1 <= kMaxDatagramBytes) texts[texts.length - 1] = `${last}\n${text}`;
    else texts.push(text);
  }
  return texts.map((text) => Buffer.from(text));
}

/** What is no ballot is nothing: anybody on the underlay may send us anything. */
export function readDatagram(datagram: Uint8Array): Ballot[] {
  if (datagram.length > kMaxDatagramBytes) return [];
  return Buffer.from(datagram).toString('utf8').split('\n').flatMap((line) => readBallot(line) ?? []);
}

function readBallot(line: string): Ballot | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { type, router, from, active, term, sentMs, choice } = value as Record<string, unknown>;
  if (!isName(router) || !isName(from)) return undefined;
  if (type === 'release') return { type, router, from };
  if (!isCount(term) || typeof sentMs !== 'number' || !Number.isFinite(sentMs)) return undefined;
  if (type === 'ask' && typeof active === 'boolean') return { type, router, from, active, term, sentMs };
  if (type === 'vote' && isName(choice)) return { type, router, from, choice, term, sentMs };
  return undefined;
}

const isName = (value: unknown): value is string => typeof value === 'string' && parseName(value) !== undefined;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
