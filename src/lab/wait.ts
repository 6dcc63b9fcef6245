/** Waiting until nothing is missing any more, with a bound. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DvrError } from '../model/errors.js';

const kPollMs = 50;

/** Asks until nothing is missing. @throws DvrError DVR_TIMEOUT saying what was waited for, and what was missing. */
export async function waitFor(what: string, timeoutMs: number, missing: () => Promise<readonly string[]>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = await missing().catch(unansweredOf);
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      throw new DvrError('DVR_TIMEOUT', `${what}: not ready after ${timeoutMs / 1000} s (${left.join('; ')})`, 'see the logs');
    }
    await sleep(kPollMs);
  }
}

/** Who does not answer now may answer the next time. */
function unansweredOf(error: unknown): string[] {
  if (error instanceof DvrError) return [error.message];
  throw error;
}
