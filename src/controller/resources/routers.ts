/** Routers: distributed, each with a way out where it has a gateway. */
import { contains, familyOf, overlaps, prefixAround, withoutPrefix } from '../../model/addresses.js';
import { whyNotExternalIp } from '../../model/external-ip.js';
import { MAX_ROUTERS } from '../../model/limits.js';
import type { ExternalNetworkIntent, GatewayIntent, Route, Router } from '../../model/resources.js';
import { snatPaths } from '../../model/node-view.js';
import type { Create, Update } from '../api/attributes/tables.js';
import type { Shown } from '../api/collection.js';
import { invalidInput, NeutronFault } from '../api/faults.js';
import type { FixedIp, GatewayInfo, RouteValue } from '../api/values.js';
import { externalPoolWithAll } from '../external-pools.js';
import { withEntry, withoutEntry, type ControllerState, type Intent } from '../intent.js';
import { recordOf, withRecord, type ResourceRecord } from '../records.js';
import { snatNodesOf } from '../snat-nodes.js';
import { adminState, ZONE } from './networks.js';
import { handleFor, idOf, networkById, networkOfRecord, subnetById } from './places.js';
import { fixedIpsOf } from './port-addresses.js';
import { commonOf, wishOf, type Changes } from './resource.js';

export const routerChanges: Changes<'routers'> = {
  create: (intent, values, { id, at }) => {
    if (intent.routers.size >= MAX_ROUTERS)
      throw new NeutronFault('Conflict', `there are ${MAX_ROUTERS} routers, which is all there is room for`);
    requireDistributed(values);
    const key = handleFor(values.name, id, (taken) => intent.routers.has(taken));
    const router: Router = {
      id: key,
      interfaces: [],
      routes: [],
      routing: values['dvr:routing'],
      portForwardings: [],
      ...adminState(values.admin_state_up),
    };
    const gateway = gatewayOf(intent, router, values.external_gateway_info, values['dvr:snat_path']);
    const next = { ...intent, routers: withEntry(intent.routers, key, { ...router, ...gateway }) };
    return withRecord(next, { kind: 'router', key }, keptOf(undefined, values), at, id);
  },
  update: (intent, record, values, at) => {
    const router = routerOfRecord(intent, record);
    requireDistributed(values);
    const { gateway: before, adminDown: _down, ...rest } = router;
    const gateway = changedGateway(intent, router, values);
    const changed: Router = {
      ...rest,
      ...gateway,
      routing: values['dvr:routing'] ?? router.routing,
      ...adminState(values.admin_state_up, router),
    };
    if (before !== undefined && gateway.gateway?.network !== before.network)
      refuseFloatingIps(intent, record, before);
    const routes = values.routes === undefined ? router.routes : routesOf(intent, changed, values.routes);
    refuseLostHops(intent, changed, routes);
    const next = { ...intent, routers: withEntry(intent.routers, router.id, { ...changed, routes }) };
    return withRecord(next, record, keptOf(record, values), at);
  },
  remove: (intent, record) => {
    const router = routerOfRecord(intent, record);
    if (router.interfaces.length > 0)
      throw new NeutronFault('RouterInUse', `Router ${record.id} has ports still attached`);
    if (router.gateway !== undefined) refuseFloatingIps(intent, record, router.gateway);
    return { ...intent, routers: withoutEntry(intent.routers, router.id) };
  },
};

export function routerOfRecord(intent: Intent, record: ResourceRecord): Router {
  const router = intent.routers.get(record.key);
  if (router === undefined)
    throw new NeutronFault('RouterNotFound', `Router ${record.id} could not be found`);
  return router;
}

export function showRouter({ intent }: ControllerState, record: ResourceRecord): Shown<'routers'> {
  const router = routerOfRecord(intent, record);
  return {
    ...commonOf(record),
    admin_state_up: router.adminDown !== true,
    distributed: true,
    ha: snatNodesOf(intent, intent.gateways.get(router.id)).length > 1,
    external_gateway_info: gatewayInfo(intent, router),
    routes: router.routes.map(({ destination, via }) => ({ destination, nexthop: via })),
    availability_zone_hints: [],
    availability_zones: [ZONE],
    flavor_id: null,
    status: 'ACTIVE',
    'dvr:snat_path':
      router.gateway?.snatPath ?? (record.stored['dvr:snat_path'] === 'direct' ? 'direct' : snatPaths[0]),
    'dvr:routing': router.routing,
  };
}

function gatewayInfo(intent: Intent, { id, gateway }: Router) {
  const given = intent.gateways.get(id);
  const home = gateway && recordOf(intent, 'network', gateway.network);
  if (gateway === undefined || home === undefined) return null;
  return {
    network_id: home.id,
    enable_snat: gateway.snat,
    external_fixed_ips: fixedIpsOf(
      intent,
      networkOfRecord(intent, home),
      given?.addresses.map(withoutPrefix) ?? [],
    ),
  };
}

/** The path is the gateway's; it is kept for a router that has none yet. */
const keptOf = (record: ResourceRecord | undefined, values: Partial<Create<'routers'>>) =>
  wishOf(record, values, ['dvr:snat_path']);

function requireDistributed({ distributed }: { readonly distributed?: boolean | null }): void {
  if (distributed === false)
    throw new NeutronFault(
      'BadRequest',
      'Bad router request: routers are distributed here, all of them; leave distributed out.',
    );
}

function changedGateway(intent: Intent, router: Router, values: Update<'routers'>): Pick<Router, 'gateway'> {
  const path = values['dvr:snat_path'];
  if (values.external_gateway_info !== undefined)
    return gatewayOf(intent, router, values.external_gateway_info, path ?? pathOf(intent, router));
  if (router.gateway === undefined) return {};
  return { gateway: { ...router.gateway, snatPath: path ?? router.gateway.snatPath } };
}

function pathOf(intent: Intent, { id, gateway }: Router): GatewayIntent['snatPath'] {
  const kept = recordOf(intent, 'router', id)?.stored['dvr:snat_path'];
  return gateway?.snatPath ?? snatPaths.find((one) => one === kept) ?? snatPaths[0];
}

/** What is left out keeps the address, and turns source NAT on again, as in Neutron. */
function gatewayOf(
  intent: Intent,
  router: Router,
  info: GatewayInfo | null,
  snatPath: GatewayIntent['snatPath'],
): Pick<Router, 'gateway'> {
  if (info === null) return {};
  const { record, network, external } = networkById(intent, info.network_id);
  if (!external)
    throw new NeutronFault(
      'BadRequest',
      `Bad router request: Network ${record.id} is not an external network.`,
    );
  refuseOverlap(network, router);
  const ip = gatewayIp(intent, router, network, info.external_fixed_ips);
  const node = router.gateway?.network === network.name ? router.gateway.node : undefined;
  return {
    gateway: {
      network: network.name,
      snat: info.enable_snat ?? true,
      snatPath,
      ...(ip === undefined ? {} : { ip }),
      ...(node === undefined ? {} : { node }),
    },
  };
}

function gatewayIp(
  intent: Intent,
  router: Router,
  network: ExternalNetworkIntent,
  wish: readonly FixedIp[] | undefined,
) {
  const [first, second] = (wish ?? []).flatMap(({ subnet_id: id, ip_address: ip }) => {
    const subnet = id === undefined ? undefined : subnetById(intent, id).subnet;
    if (subnet !== undefined && !network.subnets.includes(subnet))
      throw invalidInput(`subnet ${id} is not of the external network`);
    if (ip !== undefined && subnet !== undefined && !contains(subnet.cidr, ip))
      throw new NeutronFault(
        'InvalidIpForSubnet',
        `IP address ${ip} is not a valid IP for the specified subnet.`,
      );
    // A subnet alone is what the router gets anyway: an address of each family.
    return ip === undefined ? [] : [ip];
  });
  if (second !== undefined)
    throw invalidInput("external_fixed_ips: one address can be chosen; the other family's is allocated");
  if (wish === undefined && router.gateway?.network === network.name) return router.gateway.ip;
  if (first === undefined) return undefined;
  const why = whyNotExternalIp(first, network);
  if (why !== undefined)
    throw new NeutronFault(
      'InvalidIpForNetwork',
      `IP address ${first} is not a valid IP for any of the subnets on the specified network: ${why}.`,
    );
  if (!externalPoolWithAll(intent, network, router.id).isFree(first, router.id))
    throw new NeutronFault(
      'IpAddressAlreadyAllocated',
      `IP address ${first} already allocated in network ${network.name}`,
    );
  return first;
}

/** A router cannot tell the outside from a network with the same addresses. */
export function refuseOverlap(network: ExternalNetworkIntent, router: Pick<Router, 'interfaces'>): void {
  for (const { cidr } of network.subnets)
    for (const { addresses } of router.interfaces)
      for (const address of addresses)
        if (overlaps(prefixAround(address), cidr))
          throw new NeutronFault(
            'BadRequest',
            `Bad router request: Cidr ${prefixAround(address)} of the router overlaps with cidr ${cidr} of ` +
              `network ${network.name}.`,
          );
}

function refuseFloatingIps(intent: Intent, { id, key }: ResourceRecord, { network }: GatewayIntent): void {
  const router = intent.routers.get(key);
  const networks = new Set(router?.interfaces.map((one) => one.network));
  const holds = [...intent.floatingIps.values()].some((one) => {
    const port = one.port === undefined ? undefined : intent.ports.get(one.port);
    return one.network === network && port !== undefined && networks.has(port.network);
  });
  if (holds || (router?.portForwardings.length ?? 0) > 0)
    throw new NeutronFault(
      'RouterExternalGatewayInUseByFloatingIp',
      `Gateway cannot be updated for router ${id}, since a gateway to external network ` +
        `${idOf(intent, 'network', network)} is required by one or more floating IPs.`,
    );
}

/** @throws NeutronFault InvalidRoutes */
export function routesOf(intent: Intent, router: Router, wish: readonly RouteValue[]): readonly Route[] {
  const routes = wish.map(({ destination, nexthop }) => ({ destination, via: nexthop }));
  refuseLostHops(intent, router, routes);
  return routes;
}

export function refuseLostHops(intent: Intent, router: Router, routes: readonly Route[]): void {
  for (const { destination, via } of routes) {
    const why = whyNoHop(intent, router, via, familyOf(destination) === familyOf(via));
    if (why !== undefined)
      throw new NeutronFault(
        'InvalidRoutes',
        `Invalid format for routes: [{'destination': '${destination}', 'nexthop': '${via}'}], ${why}`,
      );
  }
}

function whyNoHop(
  intent: Intent,
  { id, interfaces, gateway }: Router,
  via: Route['via'],
  isOneFamily: boolean,
): string | undefined {
  if (!isOneFamily) return 'the nexthop is of another address family';
  const own = interfaces.flatMap(({ addresses }) => addresses);
  const outside = gateway === undefined ? [] : (intent.externalNetworks.get(gateway.network)?.subnets ?? []);
  const given = intent.gateways.get(id)?.addresses ?? [];
  if ([...own, ...given].some((address) => withoutPrefix(address) === via))
    return 'the nexthop is used by router';
  const isNear =
    own.some((address) => contains(prefixAround(address), via)) ||
    outside.some(({ cidr }) => contains(cidr, via));
  return isNear ? undefined : 'the nexthop is not connected with router';
}
