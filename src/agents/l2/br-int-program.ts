/**
 * The rows of br-int that follow from the view: dvr_macs, dvr_to_src_mac, neighbours, switch, flood.
 *
 *   switch, flood     frames between local VMs of one network            seed: "switches frames itself"
 *   neighbours        who has an address: what ARP is answered with, and where a routed packet goes
 *   dvr_macs          all of the cloud's                                 EW7 "recognises the source MAC"
 *   dvr_to_src_mac    back into the gateway MAC, and to which port       EW7 "replaces it by r1-green-mac"
 *
 * Where two rows have one key the first wins (admitRows), so ports' own addresses come before those of
 * address pairs, and of these the ones that were announced before the others.
 */
import type { Row } from '../../dataplane/rows.js';
import {
  contains, parseCidr, parseIp, withoutPrefix, type Cidr, type InterfaceAddress,
} from '../../model/addresses.js';
import type { NetworkView, NodeView, PortView, RouterInterfaceView } from '../../model/node-view.js';
import { rememberedWith } from '../../model/remembered.js';
import { linkLocalOf } from '../../model/slaac.js';
import { singleAddress } from '../../namespaces/tenant-neighbours.js';
import type { LocalIds } from '../local-ids.js';
import { macsAt } from './mac-places.js';
import { localPorts, type LocalPort } from './ports-program.js';

export function brIntProgram(view: NodeView, ids: LocalIds): Row[] {
  const ports = localPorts(view, ids);
  // What is on its way here has its traffic elsewhere still; but who knows already that it has come may send to it.
  const settled = ports.filter(({ local }) => local.incoming !== true);
  return [
    ...dvrMacRows(view),
    ...dvrToSrcMacRows(view, ports),
    ...view.networks.flatMap((network) => neighbourRows(network, ids.localVlans[network.name])),
    ...settled.map((port) => switchRow(port, port.port.mac)),
    ...settled.flatMap((port) => macsAt(port.port, port.network).slice(1).map((mac) => switchRow(port, mac))),
    ...settled.map(floodRow),
  ];
}

function dvrMacRows({ node, peers }: NodeView): Row[] {
  const own: Row = { table: 'dvr_macs', key: { mac: node.dvrMac }, value: { own: true, vtep: node.vtepIp } };
  return [own, ...peers.flatMap(({ dvrMac: mac, vtepIp: vtep }): Row[] =>
    (mac === undefined ? [] : [{ table: 'dvr_macs', key: { mac }, value: { own: false, vtep } }]))];
}

/** A prefix of the network that a router has an interface in, and that router's MAC. */
interface Gateway { readonly cidr: Cidr; readonly mac: string }

function dvrToSrcMacRows(view: NodeView, ports: readonly LocalPort[]): Row[] {
  const gateways = new Map(view.networks.map((network) => [network.name, gatewaysOf(network)]));
  return ports.flatMap((port) => gatewayRows(port, gateways.get(port.network.name) ?? []));
}

/** Where two routers have an interface in one subnet, the one with the gateway address comes first. */
function gatewaysOf({ subnets, routerInterfaces }: NetworkView): Gateway[] {
  const gatewayIps = new Set(subnets.map(({ gatewayIp }) => gatewayIp));
  const all = routerInterfaces.flatMap(({ mac, addresses }) => addresses.flatMap((address) => {
    const parsed = parseCidr(address);
    if (parsed.kind === 'malformed') return [];
    return [
      { cidr: parsed.cidr, mac, isGateway: gatewayIps.has(withoutPrefix(address as InterfaceAddress)) },
    ];
  }));
  return [...all.filter(({ isGateway }) => isGateway), ...all.filter(({ isGateway }) => !isGateway)];
}

/**
 * For each MAC of the port one row for any destination, with the gateway of the port's first routed subnet,
 * and one more for each address whose subnet has another gateway MAC (Neutron keyed on the MAC alone, so a
 * VM with addresses in two routed subnets saw the wrong gateway as sender).
 */
function gatewayRows({ port, network, portId, localVlan }: LocalPort, gateways: readonly Gateway[]): Row[] {
  const gatewayOf = (ip: string): string | undefined => {
    const parsed = parseIp(ip.split('/')[0] ?? '');
    return parsed && gateways.find(({ cidr }) => contains(cidr, parsed))?.mac;
  };
  const uses = [
    ...port.ips.map((ip) => ({ mac: port.mac, ip, single: true })),
    ...port.allowedAddressPairs.map(
      ({ mac, ip }) => ({ mac, ip: singleAddress(ip) ?? ip, single: singleAddress(ip) !== undefined }),
    ),
  ].map((use) => ({ ...use, gateway: gatewayOf(use.ip) }));
  // A port with no address in a routed subnet may still be reached there (port security off).
  const fallback = uses.find(({ gateway }) => gateway !== undefined)?.gateway ?? gateways[0]?.mac;
  if (fallback === undefined) return [];
  const row = (mac: string, ip: string, gateway: string): Row => ({
    table: 'dvr_to_src_mac',
    key: { local_vlan: localVlan, mac, ip },
    value: { gateway_mac: gateway, port: portId },
  });

  return macsAt(port, network).flatMap((mac) => {
    const first = uses.find((use) => use.mac === mac && use.gateway !== undefined)?.gateway ?? fallback;
    const others = uses.filter(
      (use) => use.mac === mac && use.single && use.gateway !== undefined && use.gateway !== first,
    );
    return [row(mac, '::', first), ...others.map(({ ip, gateway }) => row(mac, ip, gateway ?? first))];
  });
}

function neighbourRows({ ports, routerInterfaces }: NetworkView, localVlan: number | undefined): Row[] {
  if (localVlan === undefined) return [];
  const row = (ip: string, mac: string, is: NeighbourKind): Row => neighbourRow(localVlan, ip, mac, is);
  const bound = ports.filter(({ node }) => node !== undefined);
  return [
    ...routerInterfaces.flatMap((routerInterface) => routerAddresses(routerInterface)
      .map((ip) => row(ip, routerInterface.mac, { router: true }))),
    ...bound.flatMap((port) => ownNeighbours(port, localVlan)),
    ...bound.flatMap(({ holds = [] }) => holds).map(({ ip, mac }) => row(ip, mac, { movable: true })),
    ...bound.flatMap(singlePairs).map(({ ip, mac }) => row(ip, mac, { movable: true })),
  ];
}

interface NeighbourKind { readonly router?: boolean; readonly movable?: boolean }

const neighbourRow = (localVlan: number, ip: string, mac: string, is: NeighbourKind): Row => ({
  table: 'neighbours', key: { local_vlan: localVlan, ip }, value: { mac, router: false, movable: false, ...is },
});

/** The same rows for as long as the port is the same: they have been packed already (rows.ts). */
const ownNeighbours = rememberedWith(({ ips, mac }: PortView, localVlan: number): readonly Row[] =>
  ips.map((ip) => neighbourRow(localVlan, ip, mac, {})));

function routerAddresses({ mac, addresses }: RouterInterfaceView): string[] {
  return [...addresses.map((address) => withoutPrefix(address as InterfaceAddress)), linkLocalOf(mac)];
}

function singlePairs({ allowedAddressPairs }: PortView): { ip: string; mac: string }[] {
  return allowedAddressPairs.flatMap(({ ip, mac }) => {
    const single = singleAddress(ip);
    return single === undefined ? [] : [{ ip: single, mac }];
  });
}

function switchRow({ portId, localVlan }: LocalPort, mac: string): Row {
  return { table: 'switch', key: { local_vlan: localVlan, mac }, value: { port: portId } };
}

/** Router ports get no broadcasts: what is asked of a router, arp_responder answers. */
function floodRow({ portId, localVlan }: LocalPort): Row {
  return { table: 'flood', key: { local_vlan: localVlan, port: portId }, value: {} };
}
