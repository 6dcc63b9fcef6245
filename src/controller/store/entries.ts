/**
 * What the entries of the store hold. Decoding parses every value again: what a disk or somebody's hand has
 * done to an entry is found at the start, not later in a view.
 */
import {
  makers,
  type AddressHolder,
  type AllowedAddressPair,
  type Binding,
  type InteropVtep,
  type Migration,
  type Network,
  type Node,
  type Port,
  type PortAttachment,
  type Router,
  type Subnet,
} from '../../model/resources.js';
import { routingModes } from '../../model/routing.js';
import { advertisedModes } from '../../model/slaac.js';
import {
  decodeGatewayIntent,
  decodePortForwarding,
  decodeProvider,
  decodeSubnet,
} from './external-entries.js';
import type { Item } from './item.js';

export function decodeNode(item: Item): Node {
  const reported = item.optional('reportedMtuBytes')?.count();
  return {
    name: item.field('name').name(),
    vtepIp: item.field('vtepIp').ip(),
    underlayMtuBytes: item.field('underlayMtuBytes').count(),
    dvrMac: item.field('dvrMac').mac(),
    providers: item.field('providers').items().map(decodeProvider),
    networkNode: item.field('networkNode').boolean(),
    ...(reported === undefined ? {} : { reportedMtuBytes: reported }),
  };
}

export function decodeInteropVtep(item: Item): InteropVtep {
  return {
    name: item.field('name').name(),
    vtepIp: item.field('vtepIp').ip(),
    networks: item
      .field('networks')
      .items()
      .map((network) => network.name()),
  };
}

export function decodeNetwork(item: Item): Network {
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

export function decodeRouter(item: Item): Router {
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
    routing: item.field('routing').oneOf(routingModes),
    ...(gateway === undefined ? {} : { gateway: decodeGatewayIntent(gateway) }),
    portForwardings: item.field('portForwardings').items().map(decodePortForwarding),
    ...adminDown(item),
  };
}

export function decodePort(item: Item): Port {
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

export function decodeHolder(item: Item): AddressHolder {
  return {
    network: item.field('network').name(),
    ip: item.field('ip').ip(),
    port: item.field('port').name(),
    mac: item.field('mac').mac(),
    announcedAt: item.field('announcedAt').count(),
  };
}

function decodeBinding(item: Item): Binding {
  const migration = item.optional('migration');
  return {
    node: item.field('node').name(),
    boundAt: item.field('boundAt').count(),
    ...attachmentIn(item),
    ...(migration === undefined ? {} : { migration: decodeMigration(migration) }),
  };
}

function decodeMigration(item: Item): Migration {
  return { to: item.field('to').name(), boundAt: item.field('boundAt').count(), ...attachmentIn(item) };
}

function attachmentIn(item: Item): Pick<Binding, 'attachment'> {
  const attachment = item.optional('attachment');
  return attachment === undefined ? {} : { attachment: decodeAttachment(attachment) };
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
