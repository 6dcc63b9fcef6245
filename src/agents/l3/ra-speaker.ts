/** Makes a node's routers speak to its VMs unasked: when what they say has changed, and when it is time. */
import type { Log } from '../../dataplane/log.js';
import type { NodeView } from '../../model/node-view.js';
import type { LocalIds } from '../local-ids.js';
import { raProgram, raTicks, type RaTick } from './ra-program.js';

export interface RaSpeakerParts {
  /** Puts the frame in at its port. */
  readonly inject: (tick: RaTick) => Promise<void>;
  readonly log: Log;
}

export class RaSpeaker {
  /** The advertisements of the rows that were applied last. */
  #said = JSON.stringify([]);

  constructor(private readonly parts: RaSpeakerParts) {}

  /** Says everything (RFC 4861 section 6.2.4). */
  async speak(view: NodeView, ids: LocalIds): Promise<void> {
    for (const tick of raTicks(view, ids)) {
      // One that is not heard is said again soon, and who asks is answered all the same.
      await this.parts.inject(tick).catch((why: unknown) => {
        const { device } = tick;
        this.parts.log('warn', 'a router advertisement was not sent', { device, why: String(why) });
      });
    }
  }

  /** To be called when the rows are there: a guest may have asked before, and a new prefix is news to all. */
  async speakOfChanges(view: NodeView, ids: LocalIds): Promise<void> {
    const said = JSON.stringify(raProgram(view, ids));
    if (said === this.#said) return;
    this.#said = said;
    await this.speak(view, ids);
  }
}
