/**
 * The shape of the state file. Decoding parses every value again: what a disk or an editor has done to
 * the file is found at the start, not later in a view.
 */
import {
  makers,
  type AddressHolder,
  type AllowedAddressPair,
  type Binding,
  type InteropVtep,
  type Network,
  type Node,
  type Port,
  type PortAttachment,
  type Router,
  type Subnet,
} from '../model/resources.js';
import { defaultRoutingMode, routingModes } from '../model/routing.js';
import { advertisedModes } from '../model/slaac.js';
import { holderKey } from './address-holders.js';
import { byName, type Intent } from './intent.js';
import {
  decodeExternal,
  decodeGatewayIntent,
  decodePortForwarding,
  decodeProvider,
  decodeSubnet,
  encodeExternal,
} from './state-file-external.js';
import { decodeRecords, encodeRecords } from './state-file-records.js';
import { Item } from './state-item.js';

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
    addressHolders: byName(intent.addressHolders),
    ...encodeExternal(intent),
    records: encodeRecords(intent.records),
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
    addressHolders: new Map(
      root
        .itemsOf('addressHolders')
        .map(decodeHolder)
        .map((holder) => [holderKey(holder.network, holder.ip), holder]),
    ),
    ...decodeExternal(root),
    records: decodeRecords(root),
  };
}

function decodeNode(item: Item): Node {
  const reported = item.optional('reportedMtuBytes')?.count();
  return {
    name: item.field('name').name(),
    vtepIp: item.field('vtepIp').ip(),
    underlayMtuBytes: item.field('underlayMtuBytes').count(),
    dvrMac: item.field('dvrMac').mac(),
    providers: item.itemsOf('providers').map(decodeProvider),
    networkNode: item.optional('networkNode')?.boolean() ?? false,
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
    ...adminDown(item),
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    subnets: item
      .field('subnets')
      .items()
      .map((subnet) => ({ ...decodeSubnet(subnet), ...decodeAdvertised(subnet) })),
  };
}

const adminDown = (item: Item): { adminDown?: true } =>
  item.optional('adminDown')?.boolean() === true ? { adminDown: true } : {};

function decodeAdvertised(subnet: Item): Pick<Subnet, 'ipv6'> {
  const ipv6 = subnet.optional('ipv6')?.oneOf(advertisedModes);
  return ipv6 === undefined ? {} : { ipv6 };
}

function decodeRouter(item: Item): Router {
  const gateway = item.optional('gateway');
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
    routing: item.optional('routing')?.oneOf(routingModes) ?? defaultRoutingMode,
    ...(gateway === undefined ? {} : { gateway: decodeGatewayIntent(gateway) }),
    portForwardings: item.itemsOf('portForwardings').map(decodePortForwarding),
    ...adminDown(item),
  };
}

function decodePort(item: Item): Port {
  const node = item.optional('node')?.name();
  const binding = item.optional('binding');
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
    madeBy: item.field('madeBy').oneOf(makers),
    ...adminDown(item),
    ...(binding === undefined ? {} : { binding: decodeBinding(binding) }),
  };
}

function decodePair(item: Item): AllowedAddressPair {
  const mac = item.optional('mac')?.mac();
  return { ip: item.field('ip').ipOrCidr(), ...(mac === undefined ? {} : { mac }) };
}

function decodeHolder(item: Item): AddressHolder {
  return {
    network: item.field('network').name(),
    ip: item.field('ip').ip(),
    port: item.field('port').name(),
    mac: item.field('mac').mac(),
    announcedAt: item.field('announcedAt').count(),
  };
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
