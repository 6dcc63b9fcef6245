/** The MACs of ports, routers and the way out: one pool, since a node may hold any two of them. */
import type { MacAddress } from '../model/addresses.js';
import { snatPortName } from '../model/device-names.js';
import { PortMacPool, type MacsTaken } from './allocators/port-mac.js';
import { fgOwner, gatewayOwner } from './gateway-names.js';
import type { Intent } from './intent.js';
import { isSameList, keysChanged } from './sharing.js';

/** All that are given out, claimed. Good until it is asked for again: what ports have is kept from pool to pool. */
export function macPool(intent: Intent): PortMacPool {
  const macs = new PortMacPool(takenBy(intent));
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

interface Kept {
  ports: Intent['ports'];
  /** Where these are other things, what was taken below `lowest` may be free. */
  others: readonly unknown[];
  readonly owners: Map<MacAddress, string>;
  lowest: number;
}

/** Of the intent that was asked about last: the next one differs from it by a port or two, as a rule. */
let kept: Kept | undefined;

function takenBy({ ports, routers, gateways, fgPorts }: Intent): MacsTaken {
  const others = [routers, gateways, fgPorts];
  const now = kept ?? { ports: new Map(), others, owners: new Map(), lowest: 1 };
  let isRemoved = false;
  const changed = keysChanged(now.ports, ports);
  for (const key of changed) {
    const old = now.ports.get(key);
    if (old === undefined || old.mac === ports.get(key)?.mac) continue;
    now.owners.delete(old.mac);
    isRemoved = true;
  }
  for (const key of changed) {
    const port = ports.get(key);
    if (port !== undefined) now.owners.set(port.mac, `port ${port.name}`);
  }
  if (isRemoved || !isSameList(now.others, others)) now.lowest = 1;
  [now.ports, now.others] = [ports, others];
  kept = now;
  return {
    owners: now.owners,
    from: now.lowest,
    // It may not be taken after all, where the command is refused; but all before it are.
    foundFree: (number) => { now.lowest = number; },
  };
}
