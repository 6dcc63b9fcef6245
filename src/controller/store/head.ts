/**
 * The one entry that every write replaces. It counts the writes, and a write is done only where it is still
 * what the writer had read: so two controllers never write over one another (compare and swap).
 */
import type { Underlay } from '../../model/topology.js';
import type { Intent } from '../intent.js';
import { parseJson } from './intent-keys.js';
import { Item } from './item.js';

export const HEAD_KEY = 'head';
const VERSION = 1;
/** More than others write while one finds out what became of its own. */
const MAX_WRITES = 32;

export interface Head {
  /** Counts the writes. */
  readonly revision: number;
  /** Names of the last writes, the newest last: whoever made one sees that it was done, also if others came after it. */
  readonly writes: readonly string[];
  readonly generation: number;
  readonly topologyDigest?: string;
  readonly underlay?: Underlay;
}

/** Before anything was written. */
export const noHead: Head = { revision: 0, writes: [], generation: 0 };

export function encodeHead(head: Head): string {
  return JSON.stringify({ version: VERSION, ...head });
}

/** @throws Error that names the first value that is not what it must be. */
export function decodeHead(value: string): Head {
  const item = new Item(parseJson({ key: HEAD_KEY, value }), HEAD_KEY);
  if (item.field('version').value !== VERSION)
    throw new Error(`${HEAD_KEY} is of another version than ${VERSION}`);
  const topologyDigest = item.optional('topologyDigest')?.text();
  const underlay = item.optional('underlay');
  return {
    revision: item.field('revision').count(),
    writes: item.field('writes').items().map((write) => write.text()),
    generation: item.field('generation').count(),
    ...(topologyDigest === undefined ? {} : { topologyDigest }),
    ...(underlay === undefined ? {} : { underlay: decodeUnderlay(underlay) }),
  };
}

/** The head of the write after `before` that leaves this intent. */
export function nextHead(before: Head, { generation, topologyDigest, underlay }: Intent, write: string): Head {
  return {
    revision: before.revision + 1,
    writes: [...before.writes, write].slice(-MAX_WRITES),
    generation,
    ...(topologyDigest === undefined ? {} : { topologyDigest }),
    ...(underlay === undefined ? {} : { underlay }),
  };
}

/** The intent with what the head says of the whole. */
export function withHead(intent: Intent, { generation, topologyDigest, underlay }: Head): Intent {
  const { topologyDigest: _digest, underlay: _underlay, ...rest } = intent;
  return {
    ...rest,
    generation,
    ...(topologyDigest === undefined ? {} : { topologyDigest }),
    ...(underlay === undefined ? {} : { underlay }),
  };
}

const decodeUnderlay = (item: Item): Underlay => ({
  cidr: item.field('cidr').cidr(),
  mtuBytes: item.field('mtuBytes').count(),
});
