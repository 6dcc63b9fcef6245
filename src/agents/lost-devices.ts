/**
 * Devices whose descriptors lead nowhere: their namespace is gone, or somebody has deleted them. They are closed
 * before anything else is done, and opened anew where they are still wanted.
 */
import type { Log } from '../dataplane/log.js';
import type { NodeView } from '../model/node-view.js';
import type { L2Agent } from './l2/l2-agent.js';
import { standingPlace, type L3Agent } from './l3/l3-agent.js';
import { vmDeviceName } from './local-ids.js';
import type { PluggedPorts } from './plugged-ports.js';
import type { Step } from './reconcile.js';

interface Parts {
  readonly l2: L2Agent;
  readonly l3: L3Agent;
  readonly plugged: PluggedPorts;
  readonly log: Log;
}

export class LostDevices {
  readonly #lost = new Set<string>();

  constructor(private readonly parts: Parts) {}

  has(device: string): boolean { return this.#lost.has(device); }

  /** The device has gone, with its namespace or alone; answers whether it was one of ours. */
  left(device: string, view: NodeView | undefined): boolean {
    const { l2, plugged, log } = this.parts;
    if (!l2.has(device)) return false;
    log('warn', 'a device is gone', { device });
    this.#lost.add(device);
    plugged.deviceLeft(device, view);
    return true;
  }

  /** Those of a step that found its devices nowhere. */
  missed(step: Step): void {
    if (step.step === 'plug') this.#lost.add(vmDeviceName(step.plug.port));
    if (step.step !== 'build') return;
    for (const { from } of step.namespace.devices) if ('tap' in from) this.#lost.add(from.tap);
  }

  /** Closes them, one after the other by way of `guard`; the namespaces that they stood in are looked at anew. */
  async close(guard: (body: () => Promise<void>) => Promise<void>): Promise<void> {
    for (const device of this.#lost) {
      this.#lost.delete(device);
      await guard(async () => {
        await this.parts.l2.close(device);
        const place = standingPlace(device);
        if (place !== undefined) this.parts.l3.forget(place.namespace);
      });
    }
  }
}
