/** The devices `fg-`: a node's own address in an external network, by which floating IPs leave. */
import { withPrefix, withoutPrefix } from '../model/addresses.js';
import { cidrAround, familiesOf } from '../model/external-ip.js';
import type { FgPort } from '../model/resources.js';
import { hasUplinkTo } from '../model/uplinks.js';
import type { PortMacPool } from './allocators/port-mac.js';
import { externalNetworkOf, poolOf, type ExternalPools, type WithGateway } from './external-pools.js';
import { fgOwner, fgPortKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { usersOf } from './router-copies.js';

/** Those there are, claimed again: one that is not needed now keeps its address while it can be again. */
export function fgPortsBefore(
  intent: Intent,
  routers: readonly WithGateway[],
  pools: ExternalPools,
): ReadonlyMap<string, FgPort> {
  const used = new Set(routers.map(({ gateway }) => gateway.network));
  return new Map(
    [...intent.fgPorts].flatMap(([key, port]): [string, FgPort][] => {
      const network = intent.externalNetworks.get(port.network);
      if (!used.has(port.network) || network === undefined) return [];
      if (!hasUplinkTo(intent.nodes.get(port.node), network.physicalNetwork)) return [];
      const pool = poolOf(pools, port.network);
      const owner = fgOwner(port.network, port.node);
      const ips = port.addresses.map(withoutPrefix);
      if (!ips.every((ip) => pool.isFree(ip, owner))) return [];
      for (const ip of ips) pool.claim(ip, owner);
      return [[key, { ...port, addresses: ips.map((ip) => withPrefix(ip, cidrAround(network, ip))) }]];
    }),
  );
}

/** One for each node that has the uplink and a copy of a router with a gateway in the network. */
export function fgPortsOf(
  intent: Intent,
  routers: readonly WithGateway[],
  macs: PortMacPool,
  pools: ExternalPools,
  kept: ReadonlyMap<string, FgPort>,
): ReadonlyMap<string, FgPort> {
  const ports = new Map(kept);
  const nodes = byName(intent.nodes);
  for (const router of routers) {
    const network = externalNetworkOf(intent, router.gateway.network);
    // Floating IPs are IPv4's; nothing else goes out by this device.
    if (!familiesOf(network).includes(4)) continue;
    const isUser = usersOf(intent, router);
    for (const node of nodes) {
      const key = fgPortKey(network.name, node.name);
      if (ports.has(key) || !hasUplinkTo(node, network.physicalNetwork)) continue;
      if (!isUser(node.name)) continue;
      const owner = fgOwner(network.name, node.name);
      const ip = poolOf(pools, network.name).allocate(4, owner);
      ports.set(key, {
        network: network.name,
        node: node.name,
        mac: intent.fgPorts.get(key)?.mac ?? macs.allocate(owner),
        addresses: [withPrefix(ip, cidrAround(network, ip))],
      });
    }
  }
  return ports;
}
