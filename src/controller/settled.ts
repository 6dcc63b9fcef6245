/**
 * Whether the way out (gateways.ts) is settled as it is. To settle it looks at every address of every network with a
 * router that leads out; but most changes are of a port or two, which want nothing of it and take nothing from it.
 */
import { parseIp, withoutPrefix } from '../model/addresses.js';
import { familiesOf } from '../model/external-ip.js';
import { MAX_PORTS } from '../model/limits.js';
import { remembered } from '../model/remembered.js';
import type { Port } from '../model/resources.js';
import { hasUplinkTo } from '../model/uplinks.js';
import { fgPortKey } from './gateway-names.js';
import type { Intent } from './intent.js';
import { placesOf } from './router-copies.js';
import { keysChanged } from './sharing.js';

/** What the way out follows from, and what it was given, beside the ports. */
const others = ['nodes', 'networks', 'externalNetworks', 'routers', 'floatingIps', 'gateways', 'fgPorts'] as const;

/** @param before an intent that is settled. */
export function isSettled(intent: Intent, before: Intent): boolean {
  if (others.some((part) => intent[part] !== before[part])) return false;
  const { count, addresses } = given(intent.gateways);
  if (count + intent.ports.size > MAX_PORTS) return false;
  return keysChanged(before.ports, intent.ports).every((key) => {
    const port = intent.ports.get(key);
    return port === undefined || (!takes(port, addresses) && !needsWayOut(intent, port));
  });
}

/** What `sg-` devices have: how many there are, and their addresses, by network. */
const given = remembered((gateways: Intent['gateways']) => {
  const ports = [...gateways.values()].flatMap(({ snatPorts }) => snatPorts);
  const addresses = ports.flatMap(({ network, addresses: own }) => own.map((one) => `${network} ${withoutPrefix(one)}`));
  return { count: ports.length, addresses: new Set(addresses) };
});

/** Whether an address of the port, or of its pairs, is one that was given to an `sg-`, which must then have another. */
function takes({ network, ips, allowedAddressPairs }: Port, addresses: ReadonlySet<string>): boolean {
  const pairs = allowedAddressPairs.map(({ ip }) => parseIp(ip) ?? '');
  return [...ips, ...pairs].some((ip) => addresses.has(`${network} ${ip}`));
}

/** Whether the port brings a router to a node that could let floating IPs out by itself, and has no device for that yet. */
function needsWayOut(intent: Intent, { network, binding }: Port): boolean {
  const nodes = [binding?.node, binding?.migration?.to].filter((node) => node !== undefined);
  return (placesOf(intent.routers).inNetwork.get(network) ?? []).some(({ gateway }) => {
    const external = gateway && intent.externalNetworks.get(gateway.network);
    if (external === undefined || !familiesOf(external).includes(4)) return false;
    return nodes.some((node) =>
      !intent.fgPorts.has(fgPortKey(external.name, node)) && hasUplinkTo(intent.nodes.get(node), external.physicalNetwork));
  });
}
