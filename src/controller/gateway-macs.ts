/** The MACs of ports, routers and the way out: one pool, since a node may hold any two of them. */
import { snatPortName } from '../model/device-names.js';
import { PortMacPool } from './allocators/port-mac.js';
import { fgOwner, gatewayOwner } from './gateway-names.js';
import type { Intent } from './intent.js';

/** All that are given out, claimed. */
export function macPool(intent: Intent): PortMacPool {
  const macs = new PortMacPool();
  for (const port of intent.ports.values()) macs.claim(port.mac, `port ${port.name}`);
  for (const { id, interfaces } of intent.routers.values())
    for (const { mac, network } of interfaces) macs.claim(mac, `router ${id} in network ${network}`);
  claimGatewayMacs(intent, macs);
  return macs;
}

/** The MACs that were given to the way out. */
export function claimGatewayMacs(intent: Intent, macs: PortMacPool): void {
  for (const { router, mac, snatPorts } of intent.gateways.values()) {
    macs.claim(mac, gatewayOwner(router));
    for (const port of snatPorts) macs.claim(port.mac, snatPortName(router, port.network));
  }
  for (const { network, node, mac } of intent.fgPorts.values())
    macs.claim(mac, fgOwner(network, node));
}
