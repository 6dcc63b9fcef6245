/**
 * What ports of this node announce of addresses that they may use beside their own (gratuitous ARP, unsolicited
 * neighbour advertisements), for the controller to hear: of each address the last one only. It is kept, so that a
 * controller which was away learns of it, with its age. Pure but for what it holds.
 */
import type { DataplaneEvent } from '../../dataplane/interface.js';
import { isInCidr } from '../../model/addresses.js';
import type { AnnouncedAddress } from '../../model/node-call.js';
import type { NodeView, PortView } from '../../model/node-view.js';
import { vmDeviceName, type LocalIds } from '../local-ids.js';

export type AnnouncedEvent = Extract<DataplaneEvent, { readonly event: 'announced' }>;

/** Addresses of one node's ports; when there are more the oldest are forgotten, until they are announced again. */
export const kMaxAnnounced = 4096;

interface Heard { readonly network: string; readonly port: string; readonly ip: string; readonly mac: string; readonly atMs: number }

export class Announcements {
  /** By network and address, the oldest first. */
  readonly #heard = new Map<string, Heard>();
  readonly #untold = new Set<string>();

  /** Takes the event in; answers whether there is something to tell. @param nowMs of a clock that is never set. */
  hear({ portId, ip, mac }: AnnouncedEvent, view: NodeView, ids: LocalIds, nowMs: number): boolean {
    const found = localPort(view, ids, portId);
    if (found === undefined || !mayAnnounce(found.port, ip, mac)) return false;
    const key = `${found.network} ${ip}`;
    this.#heard.delete(key);
    this.#heard.set(key, { network: found.network, port: found.port.name, ip, mac, atMs: nowMs });
    this.#untold.add(key);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > kMaxAnnounced && oldest !== undefined) this.#forget(oldest);
    return true;
  }

  /** What has not been told yet. */
  take(nowMs: number): AnnouncedAddress[] {
    const untold = [...this.#untold].flatMap((key) => this.#heard.get(key) ?? []);
    this.#untold.clear();
    return untold.map((one) => addressOf(one, nowMs));
  }

  /** Everything that is known, for a controller that may have missed it. */
  all(nowMs: number): AnnouncedAddress[] {
    return [...this.#heard.values()].map((one) => addressOf(one, nowMs));
  }

  /** Ports that have left the node, or may not use the address any more, have nothing to say. */
  follow(view: NodeView): void {
    if (this.#heard.size === 0) return;
    const ports = new Map(localNames(view).map(({ network, port }) => [`${network} ${port.name}`, port]));
    for (const [key, { network, port: name, ip, mac }] of this.#heard) {
      const port = ports.get(`${network} ${name}`);
      if (port === undefined || !mayAnnounce(port, ip, mac)) this.#forget(key);
    }
  }

  #forget(key: string): void {
    this.#heard.delete(key);
    this.#untold.delete(key);
  }
}

const addressOf = ({ port, ip, mac, atMs }: Heard, nowMs: number): AnnouncedAddress =>
  ({ port, ip, mac, ageMs: Math.max(0, Math.round(nowMs - atMs)) });

const mayAnnounce = ({ allowedAddressPairs }: PortView, ip: string, mac: string): boolean =>
  allowedAddressPairs.some((pair) => pair.mac === mac && (pair.ip === ip || isInCidr(ip, pair.ip)));

interface Found { readonly network: string; readonly port: PortView }

function localPort(view: NodeView, ids: LocalIds, portId: number): Found | undefined {
  return localNames(view).find(({ port }) => ids.ports[vmDeviceName(port.name)] === portId);
}

function localNames(view: NodeView): Found[] {
  const here = new Set(view.localPorts.map(({ network, name }) => `${network} ${name}`));
  return view.networks.flatMap(({ name: network, ports }) =>
    ports.filter(({ name, allowedAddressPairs }) => allowedAddressPairs.length > 0 && here.has(`${network} ${name}`))
      .map((port) => ({ network, port })));
}
