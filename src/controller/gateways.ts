/**
 * What the way out needs, settled after every command: for each router with a gateway a place for its
 * source NAT, MACs and addresses of `qg-` and `sg-`; for each node that has the uplink and such a router an
 * `fg-`. What was given before stays where it may; what is not needed any more is given back.
 *
 * Order, as in apply-topology.ts: declared addresses first, then those in use, then new ones.
 */
import {
  familyOf,
  withPrefix,
  withoutPrefix,
  type InterfaceAddress,
  type IpAddress,
} from '../model/addresses.js';
import { cidrAround, familiesOf, whyNotExternalIp } from '../model/external-ip.js';
import type { Name } from '../model/identifiers.js';
import type { Gateway } from '../model/resources.js';
import { scheduleSnat } from './allocators/snat-node.js';
import {
  externalNetworkOf,
  externalPools,
  poolOf,
  type ExternalPools,
  type WithGateway,
} from './external-pools.js';
import { fgPortsBefore, fgPortsOf } from './fg-ports.js';
import { macPool } from './gateway-macs.js';
import { gatewayOwner } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { isSettled } from './settled.js';
import { keptMap } from './sharing.js';
import { snatPortsOf } from './snat-ports.js';

/**
 * @param before the intent that was settled last: where only ports have changed since, most need nothing.
 * @throws DvrError DVR_ADDRESS_IN_USE, DVR_CONFLICT and what the allocators throw.
 */
export function withGateways(intent: Intent, before?: Intent): Intent {
  if (before !== undefined && isSettled(intent, before)) return intent;
  const routers = byName(intent.routers).filter((router): router is WithGateway => router.gateway !== undefined);
  if (routers.length === 0)
    return intent.gateways.size + intent.fgPorts.size === 0
      ? intent
      : { ...intent, gateways: new Map(), fgPorts: new Map() };
  const macs = macPool(intent);
  const pools = externalPools(intent, routers);
  const kept = new Map(routers.map((router) => [router.id, addressesBefore(intent, router, pools)]));
  const keptFgPorts = fgPortsBefore(intent, routers, pools);
  const nodes = snatNodes(intent, routers);
  const snat = snatPortsOf(intent, routers, macs);
  const gateways = new Map(
    routers.map((router): [string, Gateway] => {
      const node = nodes.get(router.id);
      return [
        router.id,
        {
          router: router.id,
          network: router.gateway.network,
          ...(node === undefined ? {} : { node }),
          mac: intent.gateways.get(router.id)?.mac ?? macs.allocate(gatewayOwner(router.id)),
          addresses: addressesOf(intent, router, kept.get(router.id) ?? [], pools),
          snatPorts: snat.get(router.id) ?? [],
        },
      ];
    }),
  );
  const settled = { ...intent, gateways: keptMap(intent.gateways, gateways) };
  const fgPorts = fgPortsOf(settled, routers, macs, pools, keptFgPorts);
  return { ...settled, fgPorts: keptMap(intent.fgPorts, fgPorts) };
}

function snatNodes(intent: Intent, routers: readonly WithGateway[]): ReadonlyMap<Name, Name> {
  return scheduleSnat(
    byName(intent.nodes),
    routers.map(({ id, gateway }) => ({
      router: id,
      gateway,
      network: externalNetworkOf(intent, gateway.network),
      before: intent.gateways.get(id)?.node,
    })),
  );
}

/** One of each family that the external network has: the declared, the kept or a new one. */
function addressesOf(
  intent: Intent,
  { id, gateway }: WithGateway,
  kept: readonly IpAddress[],
  pools: ExternalPools,
): readonly InterfaceAddress[] {
  const network = externalNetworkOf(intent, gateway.network);
  return familiesOf(network).map((family) => {
    const known = [gateway.ip, ...kept].find((ip) => ip !== undefined && familyOf(ip) === family);
    const ip = known ?? poolOf(pools, gateway.network).allocate(family, gatewayOwner(id));
    return withPrefix(ip, cidrAround(network, ip));
  });
}

/**
 * The addresses that the router's gateway has, claimed again: connections hang on them, so that one which
 * the file now wants for something else is refused and not moved.
 */
function addressesBefore(
  intent: Intent,
  { id, gateway }: WithGateway,
  pools: ExternalPools,
): readonly IpAddress[] {
  const before = intent.gateways.get(id);
  if (before?.network !== gateway.network) return [];
  const network = externalNetworkOf(intent, gateway.network);
  return before.addresses
    .map(withoutPrefix)
    .filter((ip) => whyNotExternalIp(ip, network) === undefined)
    .filter((ip) => gateway.ip === undefined || familyOf(gateway.ip) !== familyOf(ip))
    .map((ip) => {
      poolOf(pools, gateway.network).claim(ip, gatewayOwner(id));
      return ip;
    });
}
