/** What the entries of the store hold of what lies outside. */
import { snatPaths } from '../../model/node-view.js';
import {
  forwardedProtocols,
  placements,
  type AddressRange,
  type ExternalNetworkIntent,
  type ExternalSubnet,
  type FgPort,
  type FloatingIp,
  type Gateway,
  type GatewayIntent,
  type PortForwarding,
  type Provider,
  type SnatPort,
} from '../../model/resources.js';
import type { Item } from './item.js';

export function decodeProvider(item: Item): Provider {
  return {
    physicalNetwork: item.field('physicalNetwork').name(),
    device: item.field('device').text(),
  };
}

export function decodeGatewayIntent(item: Item): GatewayIntent {
  const ip = item.optional('ip')?.ip();
  const node = item.optional('node')?.name();
  return {
    network: item.field('network').name(),
    snat: item.field('snat').boolean(),
    snatPath: item.field('snatPath').oneOf(snatPaths),
    ...(ip === undefined ? {} : { ip }),
    ...(node === undefined ? {} : { node }),
  };
}

export function decodePortForwarding(item: Item): PortForwarding {
  const floatingIp = item.optional('floatingIp')?.ip();
  const fixedIp = item.optional('fixedIp')?.ip();
  return {
    protocol: item.field('protocol').oneOf(forwardedProtocols),
    externalPort: item.field('externalPort').count(),
    port: item.field('port').name(),
    internalPort: item.field('internalPort').count(),
    ...(floatingIp === undefined ? {} : { floatingIp }),
    ...(fixedIp === undefined ? {} : { fixedIp }),
  };
}

export function decodeExternalNetwork(item: Item): ExternalNetworkIntent {
  const vlan = item.optional('vlan')?.count();
  return {
    name: item.field('name').name(),
    physicalNetwork: item.field('physicalNetwork').name(),
    ...(vlan === undefined ? {} : { vlan }),
    mtuBytes: item.field('mtuBytes').count(),
    subnets: item.field('subnets').items().map(decodeSubnet),
  };
}

export function decodeSubnet(item: Item): ExternalSubnet {
  const gatewayIp = item.optional('gatewayIp')?.ip();
  const pools = item.optional('pools');
  return {
    cidr: item.field('cidr').cidr(),
    ...(gatewayIp === undefined ? {} : { gatewayIp }),
    ...(pools === undefined ? {} : { pools: pools.items().map(decodeRange) }),
  };
}

const decodeRange = (item: Item): AddressRange => ({
  first: item.field('first').ip(),
  last: item.field('last').ip(),
});

export function decodeFloatingIp(item: Item): FloatingIp {
  const port = item.optional('port')?.name();
  const fixedIp = item.optional('fixedIp')?.ip();
  return {
    ip: item.field('ip').ip(),
    network: item.field('network').name(),
    placement: item.field('placement').oneOf(placements),
    ...(port === undefined ? {} : { port }),
    ...(fixedIp === undefined ? {} : { fixedIp }),
  };
}

export function decodeGateway(item: Item): Gateway {
  const node = item.optional('node')?.name();
  return {
    router: item.field('router').name(),
    network: item.field('network').name(),
    ...(node === undefined ? {} : { node }),
    ...decodePlace(item),
    snatPorts: item
      .field('snatPorts')
      .items()
      .map((port) => ({ network: port.field('network').name(), ...decodePlace(port) })),
  };
}

export function decodeFgPort(item: Item): FgPort {
  return {
    network: item.field('network').name(),
    node: item.field('node').name(),
    ...decodePlace(item),
  };
}

function decodePlace(item: Item): Pick<SnatPort, 'mac' | 'addresses'> {
  return {
    mac: item.field('mac').mac(),
    addresses: item
      .field('addresses')
      .items()
      .map((address) => address.interfaceAddress()),
  };
}
