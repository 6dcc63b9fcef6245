/** What is held of a store: the intent as its entries say it, and the head that they had. Nothing here waits. */
import { DvrError } from '../../model/errors.js';
import { emptyIntent, type Intent } from '../intent.js';
import { decodeHead, HEAD_KEY, noHead, withHead, type Head } from './head.js';
import { changesTo, withChanges } from './intent-keys.js';
import type { Change, Entry } from './store.js';

export interface Held {
  readonly intent: Intent;
  readonly head: Head;
  /** The head as it is in the store; absent: the store is empty. */
  readonly text?: string;
}

export const nothingHeld: Held = { intent: emptyIntent, head: noHead };

/** The head among entries or changes, as text. */
export const headText = (entries: readonly Change[]): string | undefined =>
  entries.find(({ key }) => key === HEAD_KEY)?.value;

/** @throws DvrError DVR_STATE_UNREADABLE */
export function headOf(where: string, text: string | undefined): Head {
  return readable(where, () => (text === undefined ? noHead : decodeHead(text)));
}

/**
 * All entries read; what is as it was before are the same objects.
 * @throws DvrError DVR_STATE_UNREADABLE that names the first entry that is not what it must be.
 */
export function heldOf(where: string, before: Held, entries: readonly Entry[]): Held {
  const text = headText(entries);
  const head = headOf(where, text);
  const { intent } = before;
  const changes = changesTo(intent, entries.filter(isNoHead));
  const isSame =
    changes.length === 0 &&
    intent.generation === head.generation &&
    intent.topologyDigest === head.topologyDigest;
  return {
    intent: isSame ? intent : readable(where, () => withHead(withChanges(intent, changes), head)),
    head,
    ...(text === undefined ? {} : { text }),
  };
}

/** @throws Error where the changes are not those that come next, or hold what they must not. */
export function heldAfter(before: Held, changes: readonly Change[], text: string): Held {
  const head = decodeHead(text);
  if (head.revision !== before.head.revision + 1) throw new Error('a batch is missing');
  return { intent: withHead(withChanges(before.intent, changes.filter(isNoHead)), head), head, text };
}

const isNoHead = ({ key }: Change): boolean => key !== HEAD_KEY;

export const wentBack = (where: string, before: number, after: number): DvrError =>
  new DvrError(
    'DVR_STATE_UNREADABLE',
    `the state in ${where} went back from revision ${before} to ${after}`,
    'restore it; or, where that is meant, start all controllers again',
  );

function readable<Result>(where: string, read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw new DvrError(
      'DVR_STATE_UNREADABLE',
      `the controller's state in ${where} cannot be read: ${(cause as Error).message}`,
      'restore it from a copy; or move it away to start anew, after all agents have stopped',
      { cause },
    );
  }
}
