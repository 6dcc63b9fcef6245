/** Commands wait their turn here: each is decided on what the one before it has left. */
import { DvrError } from '../model/errors.js';

/** Every agent there may be (MAX_NODES) with a registration and two reports, and people beside them. */
export const MAX_WAITING_COMMANDS = 4_096;

export class CommandQueue {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** @throws DvrError DVR_BUSY where too many wait already; and what the work throws. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.waiting >= MAX_WAITING_COMMANDS) {
      throw new DvrError(
        'DVR_BUSY',
        `${MAX_WAITING_COMMANDS} commands wait already`,
        'try again later; the controller writes slower than it is asked to',
      );
    }
    this.waiting++;
    const result = this.last.then(work).finally(() => {
      this.waiting--;
    });
    this.last = result.catch(() => {});
    return await result;
  }

  /** Returns when all that was waiting is done. */
  async idle(): Promise<void> {
    await this.last;
  }
}
