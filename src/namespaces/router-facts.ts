/**
 * What a router namespace holds now, and whether that is what it was built to be: pure. scripts.ts reads
 * it in one command; l3-agent.ts asks every few seconds, because a person at the node may change anything
 * (`ip link set qr-red down` alone takes all neighbours of the device with it).
 */
import {
  neighbourCommands, routeCommands, type Neighbour, type RouterDevice, type RouterNamespace, type RouterRoute,
} from './router-namespace.js';

export interface RouterFacts {
  readonly devices: readonly DeviceFacts[];
  /** The permanent ones. */
  readonly neighbours: readonly Neighbour[];
  /** Ours, of IPv4 only: a batch of `ip` has one family for routes. IPv6 ones go with their addresses. */
  readonly routes: readonly RouterRoute[];
}
export interface DeviceFacts extends Pick<RouterDevice, 'name' | 'mac' | 'mtuBytes' | 'addresses'> {
  readonly isUp: boolean;
}

/** What of a router is held against the kernel. */
export type RouterContents = Pick<RouterNamespace, 'devices' | 'neighbours' | 'routes'>;

/** The first thing that is not as it was built, in words; nothing where all is. */
export function differenceOf(wanted: RouterContents, found: RouterFacts): string | undefined {
  for (const device of wanted.devices) {
    const difference = deviceDifference(device, found.devices.find(({ name }) => name === device.name));
    if (difference !== undefined) return difference;
  }
  if (neighbourCommands(found.neighbours, wanted.neighbours).length > 0) return 'it has other neighbours';
  const routes = wanted.routes.filter(({ via }) => !via.includes(':'));
  return routeCommands(found.routes, routes).length > 0 ? 'it has other routes' : undefined;
}

function deviceDifference(wanted: RouterDevice, found: DeviceFacts | undefined): string | undefined {
  if (found === undefined) return `${wanted.name} is not there`;
  if (!found.isUp) return `${wanted.name} is down`;
  if (found.mac !== wanted.mac) return `${wanted.name} has another MAC`;
  if (found.mtuBytes !== wanted.mtuBytes) return `${wanted.name} has another MTU`;
  const missing = wanted.addresses.find((address) => !found.addresses.includes(address));
  return missing === undefined ? undefined : `${wanted.name} has not ${missing}`;
}
