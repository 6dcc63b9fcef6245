/**
 * What agents tell of addresses that ports announce, on its way to the command that moves them (address-holders.ts).
 *
 * An address moves at most once in PAUSE_MS, however often it is announced: the first announcement counts at once,
 * of those that follow the latest when the pause is over. Two routers of VRRP that begin together both announce.
 */
import { parseIp, parseMac } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import type { AnnouncedAddress } from '../model/node-call.js';
import { holderKey, type Announcement } from './address-holders.js';
import type { Controller } from './controller.js';
import type { Log } from './log.js';

export const PAUSE_MS = 100;
/** Addresses in a pause at once; when there are more the others are left out, until they are announced again. */
export const MAX_PAUSED = 16_384;

export class Announcements {
  /** Addresses that moved since the pause began, each with the latest announcement that waits. */
  private paused = new Map<string, Announcement | undefined>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly controller: Pick<Controller, 'intent' | 'execute'>,
    private readonly log: Log,
    private readonly now: () => number = Date.now,
  ) {}

  /** What the node's agent has told; what is nobody's address or port counts for nothing. */
  take(node: string, told: readonly AnnouncedAddress[]): void {
    const heardAt = this.now();
    const first: Announcement[] = [];
    for (const { port, ip: ipText, mac: macText, ageMs } of told) {
      const network = this.controller.intent.ports.get(port)?.network;
      const [ip, mac] = [parseIp(ipText), parseMac(macText)];
      if (network === undefined || ip === undefined || mac === undefined) continue;
      const announcement = { node, port, ip, mac, at: Math.max(0, heardAt - ageOf(ageMs)), heardAt };
      if (this.isFirst(holderKey(network, ip), announcement)) first.push(announcement);
    }
    if (first.length > 0) void this.move(first);
  }

  close(): void {
    clearTimeout(this.timer);
    this.paused.clear();
  }

  private isFirst(key: string, announcement: Announcement): boolean {
    if (!this.paused.has(key)) {
      if (this.paused.size >= MAX_PAUSED) return false;
      this.paused.set(key, undefined);
      this.timer ??= setTimeout(() => this.goOn(), PAUSE_MS);
      return true;
    }
    const waiting = this.paused.get(key);
    if (waiting === undefined || waiting.at <= announcement.at) this.paused.set(key, announcement);
    return false;
  }

  /** The pause is over: what waited counts now, and pauses again. */
  private goOn(): void {
    const waiting = [...this.paused].filter(([, announcement]) => announcement !== undefined);
    this.paused = new Map(waiting.map(([key]) => [key, undefined]));
    this.timer = waiting.length === 0 ? undefined : setTimeout(() => this.goOn(), PAUSE_MS);
    if (waiting.length > 0) void this.move(waiting.flatMap(([, announcement]) => announcement ?? []));
  }

  private async move(announced: readonly Announcement[]): Promise<void> {
    try {
      await this.controller.execute({ command: 'moveAddresses', announced });
    } catch (error) {
      if (!(error instanceof DvrError)) throw error;
      this.log.warn({ error: error.message, addresses: announced.length }, 'addresses could not be moved');
    }
  }
}

/** What an agent says of its clock is not to reach into the future. */
const ageOf = (ageMs: number): number => (Number.isFinite(ageMs) ? Math.max(0, Math.round(ageMs)) : 0);
