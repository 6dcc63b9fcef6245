/** The section `routers`: which networks a router joins, with which addresses, its static routes, its mode. */
import {
  broadcastAddress,
  contains,
  familyOf,
  networkAddress,
  overlaps,
  prefixBitsOf,
  withPrefix,
  withoutPrefix,
  type Cidr,
  type InterfaceAddress,
  type IpAddress,
} from './addresses.js';
import { subnetOf } from './external-ip.js';
import type { Name } from './identifiers.js';
import { MAX_INTERFACES_PER_ROUTER, MAX_ROUTERS, MAX_ROUTES_PER_ROUTER } from './limits.js';
import type {
  ExternalNetworkIntent,
  GatewayIntent,
  NodeIntent,
  Route,
  RouterIntent,
  RouterInterfaceIntent,
} from './resources.js';
import { defaultRoutingMode, isRoutingMode, routingModes, type RoutingMode } from './routing.js';
import { firstAddress, type NetworkDraft } from './topology-networks.js';
import type { ExternalNetworks } from './topology-external.js';
import { readGateway } from './topology-gateways.js';
import { claim, readCidr, readIp, readKnownName } from './topology-values.js';
import type { Fields, Value, YamlReader } from './yaml-reader.js';

interface Context {
  readonly networks: ReadonlyMap<Name, NetworkDraft>;
  readonly names: ReadonlySet<Name>;
  /** Router addresses by network and address: two routers of one network may not share one. */
  readonly taken: Map<string, string>;
}

/** One address of the router, and the place in the file that gave it. */
interface Address {
  readonly network: Name;
  readonly cidr: Cidr;
  readonly ip: IpAddress;
  readonly path: string;
}

/** `names` are of all networks that were declared, faulty ones too, so that one fault is not told twice. */
export interface Declared {
  readonly drafts: readonly NetworkDraft[];
  readonly names: ReadonlySet<Name>;
  readonly nodes: readonly NodeIntent[];
  readonly external: ExternalNetworks;
}

/** What routers forward to ports is read after those: `forwardings` is where it stands. */
export function readRouters(
  reader: YamlReader,
  value: Value | undefined,
  { drafts, names, nodes, external }: Declared,
): { routers: readonly RouterIntent[]; forwardings: ReadonlyMap<Name, Value> } {
  const context: Context = {
    networks: new Map(drafts.map((draft) => [draft.name, draft])),
    names,
    taken: new Map(),
  };
  const routers: RouterIntent[] = [];
  const forwardings = new Map<Name, Value>();
  for (const [id, entry] of reader.named(value, MAX_ROUTERS)) {
    const fields = reader.fields(entry, keys);
    if (fields === undefined) continue;
    const addresses = readAddresses(reader, fields.values, context);
    refuseOverlaps(reader, addresses);
    if (fields.values.networks === undefined && fields.values.interfaces === undefined) {
      reader.fault(entry.path, 'neither "networks" nor "interfaces" says what the router joins');
    }
    const gateway = readGateway(reader, fields.values.gateway, {
      external,
      nodes,
      cidrs: addresses.map(({ cidr }) => cidr),
    });
    routers.push({
      id,
      interfaces: interfacesOf(addresses),
      routes: readRoutes(reader, fields.values.routes, addresses, {
        gateway,
        network: external.externalNetworks.find(({ name }) => name === gateway?.network),
        // A gateway that is faulty may be the way to the next hop.
        isUnknown: fields.values.gateway !== undefined && gateway === undefined,
      }),
      routing: readRouting(reader, fields.values.routing),
      ...(gateway === undefined ? {} : { gateway }),
      portForwardings: [],
    });
    const { port_forwardings } = fields.values;
    if (port_forwardings !== undefined) forwardings.set(id, port_forwardings);
  }
  return { routers, forwardings };
}

const keys = ['networks', 'interfaces', 'routes', 'routing', 'gateway', 'port_forwardings'] as const;
type RouterFields = Fields<(typeof keys)[number]>['values'];

function readAddresses(
  reader: YamlReader,
  values: RouterFields,
  context: Context,
): readonly Address[] {
  const joined = new Map<string, string>();
  const found = reader.list(values.networks, MAX_INTERFACES_PER_ROUTER).flatMap((item) => {
    const network = readKnownName(reader, item, 'network', context.names);
    if (
      network === undefined ||
      !claim(reader, joined, network, item.path, `the network ${network}`)
    )
      return [];
    return firstAddresses(context, network, item.path);
  });
  for (const item of reader.list(values.interfaces, MAX_INTERFACES_PER_ROUTER)) {
    found.push(...readInterface(reader, item, context));
  }
  return found.filter(({ network, ip, path }) =>
    claim(reader, context.taken, `${network} ${ip}`, path, `${ip} in network ${network}`),
  );
}

/** Where no address is given the router has the first one of each subnet. */
function firstAddresses(context: Context, network: Name, path: string): Address[] {
  return (context.networks.get(network)?.cidrs ?? []).map((cidr) => ({
    network,
    cidr,
    ip: firstAddress(cidr),
    path,
  }));
}

function readInterface(reader: YamlReader, item: Value, context: Context): readonly Address[] {
  const values = reader.fields(item, ['network', 'ip'], ['network'])?.values;
  if (values?.network === undefined) return [];
  const network = readKnownName(reader, values.network, 'network', context.names);
  if (network === undefined) return [];
  if (values.ip === undefined) return firstAddresses(context, network, item.path);
  const ip = readIp(reader, values.ip);
  const draft = context.networks.get(network);
  if (ip === undefined || draft === undefined || draft.cidrs.length === 0) return [];
  const cidr = draft.cidrs.find((candidate) => contains(candidate, ip));
  if (cidr === undefined) {
    return (
      reader.fault(
        values.ip.path,
        `${ip} is outside ${draft.cidrs.join(' and ')} of network ${network}`,
      ) ?? []
    );
  }
  if (ip === networkAddress(cidr) || ip === broadcastAddress(cidr)) {
    return (
      reader.fault(values.ip.path, `${ip} is the network or broadcast address of ${cidr}`) ?? []
    );
  }
  return [{ network, cidr, ip, path: values.ip.path }];
}

/** A router cannot tell two networks with the same addresses apart. */
function refuseOverlaps(reader: YamlReader, addresses: readonly Address[]): void {
  addresses.forEach(({ network, cidr, path }, at) => {
    const other = addresses
      .slice(0, at)
      .find((earlier) => earlier.network !== network && overlaps(earlier.cidr, cidr));
    if (other !== undefined)
      reader.fault(
        path,
        `${cidr} of network ${network} overlaps ${other.cidr} of network ${other.network} in one router`,
      );
  });
}

function interfacesOf(addresses: readonly Address[]): readonly RouterInterfaceIntent[] {
  const byNetwork = new Map<Name, InterfaceAddress[]>();
  for (const { network, ip, cidr } of addresses) {
    byNetwork.set(network, [...(byNetwork.get(network) ?? []), withPrefix(ip, cidr)]);
  }
  return [...byNetwork].map(([network, interfaceAddresses]) => ({
    network,
    addresses: interfaceAddresses,
  }));
}

/** Where routes may lead to beside the router's own subnets. */
interface Outside {
  readonly gateway: GatewayIntent | undefined;
  readonly network: ExternalNetworkIntent | undefined;
  readonly isUnknown: boolean;
}

function readRoutes(
  reader: YamlReader,
  value: Value | undefined,
  addresses: readonly Address[],
  outside: Outside,
): readonly Route[] {
  const routes: Route[] = [];
  const taken = new Map<string, string>();
  for (const item of reader.list(value, MAX_ROUTES_PER_ROUTER)) {
    const values = reader.fields(item, ['destination', 'via'], ['destination', 'via'])?.values;
    if (values?.destination === undefined || values.via === undefined) continue;
    const destination = readCidr(reader, values.destination);
    const via = readIp(reader, values.via);
    if (destination === undefined || via === undefined) continue;
    const why = whyNoNextHop(destination, via, addresses, outside);
    if (why !== undefined) reader.fault(values.via.path, why);
    else if (
      claim(reader, taken, destination, values.destination.path, `the destination ${destination}`)
    )
      routes.push({ destination, via });
  }
  return routes;
}

function whyNoNextHop(
  destination: Cidr,
  via: IpAddress,
  addresses: readonly Address[],
  { gateway, network, isUnknown }: Outside,
): string | undefined {
  if (familyOf(destination) !== familyOf(via)) return `${via} is of another family than ${destination}`;
  if (gateway?.ip === via || addresses.some(({ ip }) => ip === via)) return `${via} is the router's own address`;
  if (isUnknown || addresses.some(({ cidr }) => contains(cidr, via))) return undefined;
  if (network === undefined) return `${via} is in none of the router's subnets`;
  if (subnetOf(network, via) === undefined)
    return `${via} is neither in the router's subnets nor in network ${network.name}, which its gateway is in`;
  const own = addresses.find(({ cidr }) => contains(cidr, networkAddress(destination)) && prefixBitsOf(cidr) <= prefixBitsOf(destination));
  return own === undefined ? undefined : `${destination} is the router's own ${own.cidr}, and ${via} is outside`;
}

function readRouting(reader: YamlReader, value: Value | undefined): RoutingMode {
  const text = value === undefined ? undefined : reader.text(value);
  if (value === undefined || text === undefined) return defaultRoutingMode;
  if (isRoutingMode(text)) return text;
  reader.fault(value.path, `"${text}" is no way to route; there are ${routingModes.join(', ')}`);
  return defaultRoutingMode;
}

/** The router addresses of one network, by address. */
export function routerIpsOf(
  routers: readonly RouterIntent[],
  network: Name,
): ReadonlyMap<IpAddress, Name> {
  return new Map(
    routers.flatMap((router) =>
      router.interfaces
        .filter((routerInterface) => routerInterface.network === network)
        .flatMap((routerInterface) =>
          routerInterface.addresses.map((address) => [withoutPrefix(address), router.id] as const),
        ),
    ),
  );
}
