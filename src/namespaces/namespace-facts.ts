/**
 * What a namespace of ours holds now, and whether that is what it was built to be: pure. scripts.ts reads
 * it; l3-agent.ts compares when the namespace tells of a change, and now and then what it does not tell, because a
 * person at the node may change anything (`ip link set qr-red down` alone takes all neighbours of the device with it).
 */
import {
  neighbourCommands, routeCommands, ruleCommands,
  type Namespace, type NamespaceDevice, type Neighbour, type Route, type Rule, type Translation,
} from './namespace.js';
import { kFixedOf, kForwarded } from './nft.js';

export interface NamespaceFacts {
  readonly devices: readonly DeviceFacts[];
  /** The permanent ones. */
  readonly neighbours: readonly Neighbour[];
  /** Ours, of every table. */
  readonly routes: readonly Route[];
  /** Ours. */
  readonly rules: readonly Rule[];
  /** Our nft table as nft lists it; empty where there is none. */
  readonly nft: string;
}
export interface DeviceFacts extends Pick<NamespaceDevice, 'name' | 'mac' | 'mtuBytes' | 'addresses'> {
  readonly isUp: boolean;
}

/** What of a namespace is held against the kernel. */
export type NamespaceContents = Pick<Namespace, 'devices' | 'neighbours' | 'routes' | 'rules'>;

export const emptyFacts: NamespaceFacts = { devices: [], neighbours: [], routes: [], rules: [], nft: '' };

/**
 * The first thing that is not as it was built, in words; nothing where all is.
 * @param nft what nft listed right after the table was made.
 */
export function differenceOf(wanted: NamespaceContents, nft: string, found: NamespaceFacts): string | undefined {
  for (const device of wanted.devices) {
    const difference = deviceDifference(device, found.devices.find(({ name }) => name === device.name));
    if (difference !== undefined) return difference;
  }
  if (neighbourCommands(found.neighbours, wanted.neighbours).length > 0) return 'it has other neighbours';
  if (ruleCommands(found.rules, wanted.rules).length > 0) return 'it has other rules';
  if (routeCommands(found.routes, wanted.routes).length > 0) return 'it has other routes';
  return found.nft === nft ? undefined : 'its nft table is another';
}

function deviceDifference(wanted: NamespaceDevice, found: DeviceFacts | undefined): string | undefined {
  if (found === undefined) return `${wanted.name} is not there`;
  if (!found.isUp) return `${wanted.name} is down`;
  if (found.mac !== wanted.mac) return `${wanted.name} has another MAC`;
  if (found.mtuBytes !== wanted.mtuBytes) return `${wanted.name} has another MTU`;
  const missing = wanted.addresses.find((address) => !found.addresses.includes(address));
  return missing === undefined ? undefined : `${wanted.name} has not ${missing}`;
}

/** What a listed table makes of addresses: the elements of its maps from outside to inside. */
export function translationsIn(nft: string): Translation[] {
  const elementsOf = (map: string): string =>
    new RegExp(`map ${map} \\{[^}]*elements = \\{([^}]*)\\}`).exec(nft)?.[1] ?? '';
  const whole = [...elementsOf(kFixedOf).matchAll(/([\d.]+) : ([\d.]+)/g)]
    .map(([, ip = '', fixedIp = '']) => ({ ip, fixedIp }));
  const ports = [...elementsOf(kForwarded).matchAll(/([\d.]+) \. (\w+) \. (\d+) : ([\d.]+) \. (\d+)/g)]
    .map(([, ip = '', protocol = '', externalPort, fixedIp = '', internalPort]) =>
      ({ ip, fixedIp, forwarded: { protocol, externalPort: Number(externalPort), internalPort: Number(internalPort) } }));
  return [...whole, ...ports];
}

/** Whether the address is at home here: on a device, or by a route of ours to it alone. */
export const holds = ({ devices, routes }: Pick<NamespaceFacts, 'devices' | 'routes'>, ip: string): boolean =>
  devices.some(({ addresses }) => addresses.some((address) => address.startsWith(`${ip}/`)))
  || routes.some(({ destination }) => destination === `${ip}/32`);
