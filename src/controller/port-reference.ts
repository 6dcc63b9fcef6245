/** How people name a port that a client made: as it is called inside, by its UUID, or by the name the client gave it. */
import { DvrError } from '../model/errors.js';
import type { Intent } from './intent.js';
import { recordById } from './records.js';

/** What the port is called inside; the text itself where it names no port, which may be one to be made. @throws DvrError */
export function portNamed(intent: Intent, text: string): string {
  if (intent.ports.has(text)) return text;
  const byId = recordById(intent, 'port', text)?.key;
  if (byId !== undefined && intent.ports.has(byId)) return byId;
  const named = [...intent.records.values()].filter(
    ({ kind, key, name }) => kind === 'port' && name === text && intent.ports.has(key),
  );
  if (named.length > 1)
    throw new DvrError(
      'DVR_CONFLICT',
      `${named.length} ports are named "${text}": ${named.map(({ id }) => id).slice(0, 5).join(', ')}`,
      'give the UUID of the one that is meant',
    );
  return named[0]?.key ?? text;
}
