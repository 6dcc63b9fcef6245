/** What lies outside, in the state file: states from before there was any of it have none. */
import { snatPaths } from '../model/node-view.js';
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
} from '../model/resources.js';
import { fgPortKey, floatingIpKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import type { Item } from './state-item.js';

type External = Pick<Intent, 'externalNetworks' | 'floatingIps' | 'gateways' | 'fgPorts'>;

export function encodeExternal(intent: External): Readonly<Record<keyof External, unknown>> {
  return {
    externalNetworks: byName(intent.externalNetworks),
    floatingIps: byName(intent.floatingIps),
    gateways: byName(intent.gateways),
    fgPorts: byName(intent.fgPorts),
  };
}

export function decodeExternal(root: Item): External {
  const floatingIps = root.itemsOf('floatingIps').map(decodeFloatingIp);
  const fgPorts = root.itemsOf('fgPorts').map(decodeFgPort);
  return {
    externalNetworks: new Map(
      root.itemsOf('externalNetworks').map(decodeNetwork).map((network) => [network.name, network]),
    ),
    floatingIps: new Map(floatingIps.map((one) => [floatingIpKey(one), one])),
    gateways: new Map(
      root.itemsOf('gateways').map(decodeGateway).map((gateway) => [gateway.router, gateway]),
    ),
    fgPorts: new Map(fgPorts.map((port) => [fgPortKey(port.network, port.node), port])),
  };
}

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

function decodeNetwork(item: Item): ExternalNetworkIntent {
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

function decodeFloatingIp(item: Item): FloatingIp {
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

function decodeGateway(item: Item): Gateway {
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

function decodeFgPort(item: Item): FgPort {
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
