/** How tests make a host forget whom it has met on its wire. */
import { mustBeZero } from './cloud.js';
import type { Lab } from './lab.js';

/** An entry may go by itself between the look and the deletion of it, once or twice; a host whose all do is broken. */
const kTries = 5;

/**
 * Empties the neighbour table, of IPv4 and IPv6. `ip neigh flush` gives up with "No such file or directory" where
 * an entry that it has just seen has timed out meanwhile, though that is what was wanted: it is asked again.
 *
 * @param ip runs `ip` at the host, and rejects where that fails.
 */
export async function forgetNeighbours(ip: (...words: string[]) => Promise<unknown>): Promise<void> {
  for (let tried = 1; ; ++tried) {
    try {
      await ip('neigh', 'flush', 'all');
      return;
    } catch (error) {
      if (tried === kTries || !String(error).includes('No such file or directory')) throw error;
    }
  }
}

/** The same at a place of the lab. */
export const forgetNeighboursAt = (lab: Lab, place: string): Promise<void> =>
  forgetNeighbours(async (...words) => mustBeZero(await lab.exec(place, ['ip', ...words])));
