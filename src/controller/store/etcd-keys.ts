/**
 * Where in etcd everything lies.
 *
 *     dvr/parts/ID/0007    a part of a batch that is too large for one transaction
 *     dvr/state/KEY        the entries
 *     dvr/under-way        the large batch that is being made; while it is there nothing else is written
 */
const ROOT = 'dvr/';
const STATE = `${ROOT}state/`;
export const PARTS = `${ROOT}parts/`;
export const UNDER_WAY = `${ROOT}under-way`;

export const stateKey = (key: string): string => `${STATE}${key}`;
export const partKey = (id: string, n: number): string => `${PARTS}${id}/${`${n}`.padStart(4, '0')}`;

/** The key of an entry; undefined for what is none. */
export const entryKey = (key: Buffer): string | undefined => {
  const text = key.toString();
  return text.startsWith(STATE) ? text.slice(STATE.length) : undefined;
};

/** What a watcher is told of: the entries and the large batch, but not its parts. */
export const watched = { first: STATE, root: ROOT } as const;
