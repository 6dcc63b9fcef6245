/**
 * The intent as a topology file: what `dvr export` prints, and `dvr apply` takes back. Everything is called what it
 * is called inside. Applied where it came from it changes nothing.
 */
import { stringify } from 'yaml';
import { withoutPrefix } from '../model/addresses.js';
import type {
  ExternalNetworkIntent,
  FloatingIp,
  Network,
  Node,
  Port,
  PortForwarding,
  Router,
  Subnet,
} from '../model/resources.js';
import { defaultRoutingMode } from '../model/routing.js';
import { snatPaths } from '../model/node-view.js';
import { firstAddress } from '../model/topology-networks.js';
import { byName, type Intent } from './intent.js';

/** The text of the file; a comment names what the file has no words for. */
export function exportTopology(intent: Intent): string {
  const { underlay } = intent;
  const sections = {
    underlay: { cidr: underlay?.cidr ?? '', mtu: underlay?.mtuBytes ?? 0 },
    nodes: section(intent.nodes, (node) => nodeEntry(node, underlay?.mtuBytes)),
    interop_vteps: section(intent.interopVteps, ({ vtepIp, networks }) => ({ vtep: vtepIp, networks })),
    networks: section(intent.networks, networkEntry),
    external_networks: section(intent.externalNetworks, externalEntry),
    routers: section(intent.routers, routerEntry),
    ports: section(declaredPorts(intent), portEntry),
    floating_ips: Object.fromEntries(
      byName(intent.floatingIps).map((one) => [one.ip, floatingIpEntry(intent, one)]),
    ),
  };
  const filled = Object.entries(sections).filter(([, value]) => Object.keys(value).length > 0);
  const unsaid = notSaid(intent).map((line) => `# not in this file: ${line}\n`);
  return unsaid.join('') + stringify(Object.fromEntries(filled), { lineWidth: 110, flowCollectionPadding: true });
}

function section<Value>(map: ReadonlyMap<string, Value>, entry: (value: Value) => object): object {
  return Object.fromEntries(
    [...map].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, value]) => [name, entry(value)]),
  );
}

function nodeEntry({ vtepIp, underlayMtuBytes, providers, networkNode }: Node, usual: number | undefined): object {
  return {
    vtep: vtepIp,
    ...(underlayMtuBytes === usual ? {} : { mtu: underlayMtuBytes }),
    ...(providers.length === 0
      ? {}
      : { provider: Object.fromEntries(providers.map(({ physicalNetwork, device }) => [physicalNetwork, device])) }),
    ...(networkNode ? { network_node: true } : {}),
  };
}

function networkEntry({ vni, mtuBytes, subnets }: Network): object {
  return {
    vni,
    ...(mtuBytes === undefined ? {} : { mtu: mtuBytes }),
    subnets: subnets.map(({ cidr, ipv6 }) => (ipv6 === undefined ? cidr : { cidr, ipv6 })),
  };
}

function externalEntry({ physicalNetwork, vlan, mtuBytes, subnets }: ExternalNetworkIntent): object {
  return {
    physical_network: physicalNetwork,
    ...(vlan === undefined ? {} : { vlan }),
    mtu: mtuBytes,
    subnets: subnets.map(({ cidr, gatewayIp, pools: [pool] = [] }) => ({
      cidr,
      ...(gatewayIp === undefined ? {} : { gateway: gatewayIp }),
      ...(pool === undefined ? {} : { pool: `${pool.first}-${pool.last}` }),
    })),
  };
}

function routerEntry({ interfaces, routes, routing, gateway, portForwardings }: Router): object {
  return {
    interfaces: interfaces.flatMap(({ network, addresses }) =>
      addresses.map((address) => ({ network, ip: withoutPrefix(address) })),
    ),
    ...(routes.length === 0 ? {} : { routes: routes.map(({ destination, via }) => ({ destination, via })) }),
    ...(routing === defaultRoutingMode ? {} : { routing }),
    ...(gateway === undefined ? {} : { gateway: gatewayEntry(gateway) }),
    ...(portForwardings.length === 0 ? {} : { port_forwardings: portForwardings.map(forwardingEntry) }),
  };
}

function gatewayEntry({ network, ip, snat, snatPath, node }: NonNullable<Router['gateway']>): object {
  return {
    network,
    ...(ip === undefined ? {} : { ip }),
    ...(snat ? {} : { snat }),
    ...(snatPath === snatPaths[0] ? {} : { snat_path: snatPath }),
    ...(node === undefined ? {} : { node }),
  };
}

function forwardingEntry(forwarding: PortForwarding): object {
  const { protocol, externalPort, floatingIp, port, fixedIp, internalPort } = forwarding;
  return {
    protocol,
    external_port: externalPort,
    ...(floatingIp === undefined ? {} : { floating_ip: floatingIp }),
    port,
    ...(fixedIp === undefined ? {} : { fixed_ip: fixedIp }),
    internal_port: internalPort,
  };
}

function portEntry(port: Port): object {
  const { network, ips, mac, allowedAddressPairs, portSecurity, binding } = port;
  const node = binding?.node ?? port.node;
  return {
    network,
    ...(node === undefined ? {} : { node }),
    ...(ips.length === 0 ? {} : { ips }),
    mac,
    ...(allowedAddressPairs.length === 0
      ? {}
      : { allowed_address_pairs: allowedAddressPairs.map((pair) => ({ ...pair })) }),
    ...(portSecurity ? {} : { port_security: false }),
  };
}

/** Ports that attach made are plugged in, not declared: they stay whatever file is applied. */
const declaredPorts = ({ ports }: Intent): ReadonlyMap<string, Port> =>
  new Map([...ports].filter(([, { madeBy }]) => madeBy !== 'attach'));

function floatingIpEntry(intent: Intent, { network, port, fixedIp, placement }: FloatingIp): object {
  const owner = port === undefined ? undefined : intent.ports.get(port);
  return {
    network,
    ...(owner === undefined ? {} : { port, ...(fixedIp === undefined ? {} : { fixed_ip: fixedIp }) }),
    ...(owner === undefined || placement === 'distributed' ? {} : { placement }),
  };
}

function notSaid(intent: Intent): readonly string[] {
  const off = [...intent.networks.values(), ...intent.ports.values()].filter(({ adminDown }) => adminDown === true);
  const routersOff = [...intent.routers.values()].filter(({ adminDown }) => adminDown === true);
  const subnets = [...intent.networks.values()].flatMap(({ name, subnets: all }) =>
    all.filter(isOtherwise).map(({ cidr }) => `the gateway or pools of subnet ${cidr} of network ${name}`));
  return [
    ...[...off.map(({ name }) => name), ...routersOff.map(({ id }) => id)].map((name) => `${name} is switched off`),
    ...subnets,
  ];
}

/** A tenant subnet of a file has the gateway of its router, and gives out what is left. */
function isOtherwise({ cidr, gatewayIp, pools }: Subnet): boolean {
  return pools !== undefined || gatewayIp !== firstAddress(cidr);
}
