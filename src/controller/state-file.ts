/**
 * The shape of the state file. Decoding parses every value again: what a disk or an editor has done to
 * the file is found at the start, not later in a view.
 */
import {
  parseCidr,
  parseIp,
  parseMac,
  withPrefix,
  type Cidr,
  type InterfaceAddress,
  type IpAddress,
  type MacAddress,
} from '../model/addresses.js';
import { parseName, parseVni, type Name, type Vni } from '../model/identifiers.js';
import type {
  AllowedAddressPair,
  Binding,
  InteropVtep,
  Network,
  Node,
  Port,
  PortAttachment,
  Router,
} from '../model/resources.js';
import {
  defaultRoutingMode,
  isRoutingMode,
  routingModes,
  type RoutingMode,
} from '../model/routing.js';
import { byName, type Intent } from './intent.js';

const VERSION = 1;

export function encodeIntent(intent: Intent): Readonly<Record<string, unknown>> {
  return {
    version: VERSION,
    generation: intent.generation,
    topologyDigest: intent.topologyDigest,
    nodes: byName(intent.nodes),
    dvrMacs: [...intent.dvrMacs]
      .map(([node, mac]) => ({ node, mac }))
      .sort((left, right) => (left.node < right.node ? -1 : 1)),
    interopVteps: byName(intent.interopVteps),
    networks: byName(intent.networks),
    routers: byName(intent.routers),
    ports: byName(intent.ports),
  };
}

/** @throws Error that names the first value that is not what it must be. */
export function decodeIntent(value: unknown): Intent {
  const root = new Item(value, 'state');
  if (root.field('version').value !== VERSION) throw new Error(`version is not ${VERSION}`);
  const digest = root.optional('topologyDigest')?.text();
  return {
    generation: root.field('generation').count(),
    ...(digest === undefined ? {} : { topologyDigest: digest }),
    nodes: keyed(root.field('nodes').items().map(decodeNode)),
    dvrMacs: new Map(
      root
        .field('dvrMacs')
        .items()
        .map((item) => [item.field('node').name(), item.field('mac').mac()]),
    ),
    interopVteps: keyed(root.field('interopVteps').items().map(decodeInteropVtep)),
    networks: keyed(root.field('networks').items().map(decodeNetwork)),
    routers: new Map(
      root
        .field('routers')
        .items()
        .map(decodeRouter)
        .map((router) => [router.id, router]),
    ),
    ports: keyed(root.field('ports').items().map(decodePort)),
  };
}

function decodeNode(item: Item): Node {
  const reported = item.optional('reportedMtuBytes')?.count();
  return {
    name: item.field('name').name(),
    vtepIp: item.field('vtepIp').ip(),
    underlayMtuBytes: item.field('underlayMtuBytes').count(),
    dvrMac: item.field('dvrMac').mac(),
    ...(reported === undefined ? {} : { reportedMtuBytes: reported }),
  };
}

function decodeInteropVtep(item: Item): InteropVtep {
  return {
    name: item.field('name').name(),
    vtepIp: item.field('vtepIp').ip(),
    networks: item
      .field('networks')
      .items()
      .map((network) => network.name()),
  };
}

function decodeNetwork(item: Item): Network {
  const mtuBytes = item.optional('mtuBytes')?.count();
  return {
    name: item.field('name').name(),
    vni: item.field('vni').vni(),
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    subnets: item
      .field('subnets')
      .items()
      .map((subnet) => ({
        cidr: subnet.field('cidr').cidr(),
        gatewayIp: subnet.field('gatewayIp').ip(),
      })),
  };
}

function decodeRouter(item: Item): Router {
  return {
    id: item.field('id').name(),
    interfaces: item
      .field('interfaces')
      .items()
      .map((routerInterface) => ({
        network: routerInterface.field('network').name(),
        addresses: routerInterface
          .field('addresses')
          .items()
          .map((address) => address.interfaceAddress()),
        mac: routerInterface.field('mac').mac(),
      })),
    routes: item
      .field('routes')
      .items()
      .map((route) => ({
        destination: route.field('destination').cidr(),
        via: route.field('via').ip(),
      })),
    // A state written before there were modes has none.
    routing: item.optional('routing')?.routing() ?? defaultRoutingMode,
  };
}

function decodePort(item: Item): Port {
  const node = item.optional('node')?.name();
  const binding = item.optional('binding');
  const madeBy = item.field('madeBy').text();
  if (madeBy !== 'topology' && madeBy !== 'attach')
    throw item.field('madeBy').wrong('"topology" or "attach"');
  return {
    name: item.field('name').name(),
    network: item.field('network').name(),
    ...(node === undefined ? {} : { node }),
    ips: item
      .field('ips')
      .items()
      .map((ip) => ip.ip()),
    mac: item.field('mac').mac(),
    allowedAddressPairs: item.field('allowedAddressPairs').items().map(decodePair),
    portSecurity: item.field('portSecurity').boolean(),
    madeBy,
    ...(binding === undefined ? {} : { binding: decodeBinding(binding) }),
  };
}

function decodePair(item: Item): AllowedAddressPair {
  const mac = item.optional('mac')?.mac();
  return { ip: item.field('ip').ipOrCidr(), ...(mac === undefined ? {} : { mac }) };
}

function decodeBinding(item: Item): Binding {
  const attachment = item.optional('attachment');
  return {
    node: item.field('node').name(),
    boundAt: item.field('boundAt').count(),
    ...(attachment === undefined ? {} : { attachment: decodeAttachment(attachment) }),
  };
}

function decodeAttachment(item: Item): PortAttachment {
  const netns = item.optional('netns')?.text();
  const pid = item.optional('pid')?.count();
  return {
    ...(netns === undefined ? {} : { netns }),
    ...(pid === undefined ? {} : { pid }),
    ifname: item.field('ifname').text(),
  };
}

function keyed<Value extends { readonly name: string }>(
  values: readonly Value[],
): ReadonlyMap<string, Value> {
  return new Map(values.map((value) => [value.name, value]));
}

/** A JSON value and where it stands, so that a broken one can be named. */
class Item {
  constructor(
    readonly value: unknown,
    private readonly path: string,
  ) {}

  field(key: string): Item {
    return this.optional(key) ?? new Item(undefined, `${this.path}.${key}`).missing();
  }

  optional(key: string): Item | undefined {
    if (typeof this.value !== 'object' || this.value === null || !Object.hasOwn(this.value, key))
      return undefined;
    return new Item((this.value as Record<string, unknown>)[key], `${this.path}.${key}`);
  }

  items(): Item[] {
    if (!Array.isArray(this.value)) throw this.wrong('a list');
    return this.value.map((value: unknown, at) => new Item(value, `${this.path}[${at}]`));
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.wrong('a text');
    return this.value;
  }

  routing(): RoutingMode {
    const text = this.text();
    return isRoutingMode(text) ? text : this.fail(`one of ${routingModes.join(', ')}`);
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.wrong('true or false');
    return this.value;
  }

  count(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value) || this.value < 0)
      throw this.wrong('a count');
    return this.value;
  }

  name(): Name {
    return parseName(this.text()) ?? this.fail('a name');
  }
  vni(): Vni {
    return parseVni(this.count()) ?? this.fail('a VNI');
  }
  mac(): MacAddress {
    return parseMac(this.text()) ?? this.fail('a MAC address');
  }
  ip(): IpAddress {
    return parseIp(this.text()) ?? this.fail('an IP address');
  }

  cidr(): Cidr {
    const result = parseCidr(this.text());
    return result.kind === 'cidr' ? result.cidr : this.fail('a prefix');
  }

  ipOrCidr(): IpAddress | Cidr {
    return parseIp(this.text()) ?? this.cidr();
  }

  interfaceAddress(): InterfaceAddress {
    const result = parseCidr(this.text());
    const ip = parseIp(this.text().split('/')[0] ?? '');
    return result.kind === 'malformed' || ip === undefined
      ? this.fail('an address with its prefix')
      : withPrefix(ip, result.cidr);
  }

  wrong(wanted: string): Error {
    return new Error(`${this.path} is not ${wanted}`);
  }

  private missing(): never {
    throw new Error(`${this.path} is missing`);
  }

  private fail(wanted: string): never {
    throw this.wrong(wanted);
  }
}
