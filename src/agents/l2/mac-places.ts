/**
 * Where each MAC of a network is. A port's own is with the port, whoever else may use it; one that ports may use by
 * their address pairs (VRRP's virtual MAC) is with the port that announced it last, and before anybody has, with the
 * first by name. So every node has the same answer, also those with a port that may use it and does not. Pure.
 */
import type { NetworkView, PortView } from '../../model/node-view.js';

/** Networks are never changed, only replaced. */
const known = new WeakMap<NetworkView, ReadonlyMap<string, string>>();

/** The MACs of the port that are with it now, its own first. */
export function macsAt(port: PortView, network: NetworkView): string[] {
  const foreign = foreignMacs(port);
  if (foreign.length === 0) return [port.mac];
  const places = known.get(network) ?? placesIn(network);
  known.set(network, places);
  return [port.mac, ...foreign.filter((mac) => places.get(mac) === port.name)];
}

/** The port that each MAC of an address pair is with. */
function placesIn({ ports }: NetworkView): ReadonlyMap<string, string> {
  const bound = ports.filter(({ node }) => node !== undefined);
  const own = bound.map(({ mac, name }) => [mac, name] as const);
  const announced = bound.flatMap(({ holds = [], name }) => holds.map(({ mac }) => [mac, name] as const));
  const allowed = bound.toSorted(byName).flatMap((port) => foreignMacs(port).map((mac) => [mac, port.name] as const));
  // What is set last counts.
  return new Map([...allowed.toReversed(), ...announced, ...own]);
}

function foreignMacs({ mac: own, allowedAddressPairs }: PortView): string[] {
  if (allowedAddressPairs.length === 0) return [];
  return [...new Set(allowedAddressPairs.map(({ mac }) => mac))].filter((mac) => mac !== own);
}

const byName = (left: PortView, right: PortView): number => (left.name < right.name ? -1 : 1);
