/**
 * Who holds an address that ports may use beside their own (allowed address pairs): the port that announced it
 * last, by gratuitous ARP or an unsolicited neighbour advertisement. So VRRP moves an address from one VM to
 * another, and every node's answers, FDB and routers follow. Pure.
 *
 * The latest announcement wins by when it was made, not by when it came here: agents tell again what was announced
 * while no controller was there, and several controllers hear the same. So announcements may come twice, late and
 * in any order, and leave the same holder. A port that is bound has its own addresses whoever announces them.
 */
import { contains, type Cidr, type IpAddress, type MacAddress } from '../model/addresses.js';
import { MAX_HELD_ADDRESSES_PER_PORT } from '../model/limits.js';
import type { PortView } from '../model/node-view.js';
import type { AddressHolder, Port } from '../model/resources.js';
import { byName, withEntry, withoutEntry, type Intent } from './intent.js';
import { derivation, keptMap } from './sharing.js';
import type { Change, ControllerEvent } from './state.js';

/** What a node has heard from a port of its own. */
export interface Announcement {
  readonly node: string;
  readonly port: string;
  readonly ip: IpAddress;
  readonly mac: MacAddress;
  /** Milliseconds since 1970, as is `heardAt`: when it came to a controller. */
  readonly at: number;
  readonly heardAt: number;
}

/** Controllers' clocks differ by less. What is later than that was written when a clock was wrong, and counts no longer. */
const MAX_CLOCK_DIFFERENCE_MS = 10_000;

type Holders = Intent['addressHolders'];

export const holderKey = (network: string, ip: string): string => `${network} ${ip}`;

/** Takes note of announcements. One that its port may not make, or that comes too late, changes nothing. */
export function moveAddresses(intent: Intent, announced: readonly Announcement[]): Change {
  const events: ControllerEvent[] = [];
  let holders = intent.addressHolders;
  for (const { node, port: name, ip, mac, at, heardAt } of announced) {
    const port = intent.ports.get(name);
    if (port?.binding?.node !== node || !mayHold(port, ip, mac)) continue;
    const key = holderKey(port.network, ip);
    const before = holders.get(key);
    const next: AddressHolder = { network: port.network, ip, port: port.name, mac, announcedAt: at };
    const counts = before !== undefined && before.announcedAt <= heardAt + MAX_CLOCK_DIFFERENCE_MS;
    if (counts && !isLater(next, before)) continue;
    holders = withRoomFor(port, withEntry(holders, key, next));
    if (before?.port === next.port) continue;
    const from = before === undefined ? {} : { from: before.port };
    events.push({ event: 'address_moved', network: port.network, ip, port: name, ...from });
  }
  return { intent: holders === intent.addressHolders ? intent : { ...intent, addressHolders: holders }, events };
}

/** Without holders that have gone, are plugged in nowhere, or may not use the address any more. */
export function withAddressHolders(intent: Intent): Intent {
  const gone = [...intent.addressHolders].filter(([, { port: name, network, ip, mac }]) => {
    const port = intent.ports.get(name);
    return port?.binding === undefined || port.network !== network || !mayHold(port, ip, mac);
  });
  if (gone.length === 0) return intent;
  const addressHolders = gone.reduce<Holders>((all, [key]) => withoutEntry(all, key), intent.addressHolders);
  return { ...intent, addressHolders };
}

/** Whether the port's pairs allow it the address with that MAC. */
export function mayHold({ allowedAddressPairs, mac: own }: Port, ip: IpAddress, mac: MacAddress): boolean {
  return allowedAddressPairs.some(
    (pair) => (pair.mac ?? own) === mac && (isPrefix(pair.ip) ? contains(pair.ip, ip) : pair.ip === ip),
  );
}

const isPrefix = (pair: IpAddress | Cidr): pair is Cidr => pair.includes('/');

/** Of two at the same moment the order of names decides: whatever comes first, the same one is left. */
function isLater(one: AddressHolder, other: AddressHolder): boolean {
  if (one.announcedAt !== other.announcedAt) return one.announcedAt > other.announcedAt;
  return one.port === other.port ? one.mac > other.mac : one.port > other.port;
}

/** A prefix lets a port announce more addresses than anybody can keep: the oldest is forgotten first. */
function withRoomFor(port: Port, holders: Holders): Holders {
  const own = [...holders].filter(([, holder]) => holder.port === port.name);
  if (own.length <= MAX_HELD_ADDRESSES_PER_PORT) return holders;
  const [oldest] = own.toSorted(([, left], [, right]) => left.announcedAt - right.announcedAt);
  return oldest === undefined ? holders : withoutEntry(holders, oldest[0]);
}

type Held = ReadonlyMap<string, NonNullable<PortView['holds']>>;

/**
 * The addresses that ports hold, by network and port. A MAC that several ports may use (VRRP's virtual one) is at one
 * place: where it was announced last. While its addresses move one by one, they are all there already.
 */
export const heldAddresses = derivation<ReadonlyMap<string, Held>>(
  ({ addressHolders, ports }) => (addressHolders.size === 0 ? [addressHolders] : [addressHolders, ports]),
  (intent, last) => keptMap(last, held(intent)),
);

function held(intent: Intent): ReadonlyMap<string, Held> {
  const holders = byName(intent.addressHolders);
  const places = new Map<string, AddressHolder>();
  for (const holder of holders) {
    const key = `${holder.network} ${holder.mac}`;
    const before = places.get(key);
    if (before === undefined || isLater(holder, before)) places.set(key, holder);
  }
  const found = new Map<string, Map<string, { readonly ip: string; readonly mac: string }[]>>();
  for (const { network, ip, port, mac } of holders) {
    const at = placeOf(intent, port, mac, ip, places.get(`${network} ${mac}`)?.port ?? port);
    if (at === undefined) continue;
    const ports = found.get(network) ?? new Map<string, { readonly ip: string; readonly mac: string }[]>();
    found.set(network, ports.set(at, [...(ports.get(at) ?? []), { ip, mac }]));
  }
  return found;
}

/** Undefined where the port that has the MAC now may not use the address. */
function placeOf(intent: Intent, holder: string, mac: MacAddress, ip: IpAddress, place: string): string | undefined {
  if (place === holder || intent.ports.get(holder)?.mac === mac) return holder;
  const port = intent.ports.get(place);
  return port !== undefined && mayHold(port, ip, mac) ? place : undefined;
}
