/**
 * Gratuitous ARP (RFC 5227 §3): who has an address that has come here, told to everybody on the wire. In both
 * forms, because some listen to requests only and some to replies; three times, because it may be lost.
 */
import { addon } from '../../dataplane/native.js';
import type { Log } from '../../dataplane/log.js';
import { macBytes } from '../../model/wire-bytes.js';
import { netnsPath } from '../../namespaces/netns-path.js';
import type { Arrival, Tell } from './l3-agent.js';

const kRounds = 3;
const kRoundMs = 2000;

const kBroadcast = [255, 255, 255, 255, 255, 255];
/** Ethernet type ARP; then hardware Ethernet, protocol IPv4, their lengths (RFC 826). */
const kHead = [0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4];
const operations = { request: 1, reply: 2 } as const;

/** One frame that says "IP is at MAC". */
export function gratuitousArp(form: keyof typeof operations, mac: string, ip: string): Uint8Array {
  const from = [...macBytes(mac) ?? []];
  const address = ip.split('.').map(Number);
  const target = form === 'request' ? [0, 0, 0, 0, 0, 0] : kBroadcast;
  return Uint8Array.from([
    ...kBroadcast, ...from, ...kHead, 0, operations[form], ...from, ...address, ...target, ...address,
  ]);
}

export function teller(log: Log): Tell {
  const round = (arrival: Arrival, isHere: () => boolean, left: number): void => {
    if (left === 0 || !isHere()) return;
    const { namespace, device, mac, ip } = arrival;
    try {
      addon().withNetns(netnsPath(namespace), () => {
        for (const form of ['request', 'reply'] as const) addon().sendFrame(device, gratuitousArp(form, mac, ip));
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log('warn', 'an address could not be announced', { namespace, device, ip, why });
    }
    setTimeout(() => { round(arrival, isHere, left - 1); }, kRoundMs).unref();
  };
  return (arrival, isHere) => { round(arrival, isHere, kRounds); };
}
