/**
 * Permanent neighbours of a tenant network's ports: seed step EW2 ("the router namespace's ARP table is
 * populated by the l3 agent"). Complete, because a copy must never have to ask who has an address: its
 * question would carry the shared gateway MAC (dvr_process) to nodes that use the same MAC.
 */
import {
  contains, parseIp, prefixAround, withoutPrefix, type Cidr, type InterfaceAddress, type IpAddress,
} from '../model/addresses.js';
import type { NetworkView, PortView } from '../model/node-view.js';
import { remembered } from '../model/remembered.js';
import type { Neighbour } from './namespace.js';

/**
 * One neighbour for each address that a bound port of the network has in the interface's subnets.
 * Where two ports claim an address its fixed owner wins, then the one that announced it last, then the first by name.
 */
export function tenantNeighbours(
  device: string, { ports }: Pick<NetworkView, 'ports'>, addresses: readonly string[],
): readonly Neighbour[] {
  const known = worked(ports);
  const key = [device, ...addresses].join(' ');
  const found = known.get(key) ?? neighboursAmong(ports, device, addresses);
  known.set(key, found);
  return found;
}

/** By device and addresses; lists of ports never change, and most are the same from view to view. */
const worked = remembered((_ports: readonly PortView[]) => new Map<string, readonly Neighbour[]>());

function neighboursAmong(ports: readonly PortView[], device: string, addresses: readonly string[]): readonly Neighbour[] {
  const own = new Set(addresses.map((address) => withoutPrefix(address as InterfaceAddress)));
  const subnets = subnetsOf([{ addresses }]);
  const found = new Map<string, Neighbour>();
  const add = (ip: string, mac: string): void => {
    const parsed = parseIp(ip);
    if (parsed === undefined || own.has(parsed) || found.has(parsed)) return;
    if (subnets.some((subnet) => contains(subnet, parsed))) found.set(parsed, { device, ip: parsed, mac });
  };
  const bound = ports.filter((port) => port.node !== undefined);
  for (const port of bound) for (const ip of port.ips) add(ip, port.mac);
  for (const { ip, mac } of bound.flatMap(({ holds = [] }) => holds)) add(ip, mac);
  const pairs = bound.toSorted(byName).flatMap(({ allowedAddressPairs }) => allowedAddressPairs);
  for (const { ip, mac } of pairs) {
    const single = singleAddress(ip);
    if (single !== undefined) add(single, mac);
  }
  return [...found.values()];
}

/** The address of a pair that names one; a CIDR names none that anybody could be asked for. */
export function singleAddress(pair: string): IpAddress | undefined {
  const [ip = '', bits] = pair.split('/');
  const parsed = parseIp(ip);
  if (parsed === undefined) return undefined;
  return bits === undefined || Number(bits) === (parsed.includes(':') ? 128 : 32) ? parsed : undefined;
}

/** The subnets that devices are in by their addresses, of both families. */
export const subnetsOf = (devices: readonly { readonly addresses: readonly string[] }[]): Cidr[] =>
  devices.flatMap(({ addresses }) => addresses.map((address) => prefixAround(address as InterfaceAddress)));

const byName = (left: PortView, right: PortView): number => (left.name < right.name ? -1 : 1);
