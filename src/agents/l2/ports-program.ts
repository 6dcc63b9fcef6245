/**
 * The rows about this node's ports: which network each is in, and who it may speak as.
 * Tables `ports` (read by classify) and `allowed_sources` (read by anti_spoof); seed step EW1.
 *
 * A port without a number (its device is not open) has no row, so nothing is accepted from it.
 */
import type { Row } from '../../dataplane/rows.js';
import {
  familyOf, networkAddress, parseCidr, parseIp, prefixBitsOf, type Cidr,
} from '../../model/addresses.js';
import { routerPortName } from '../../model/device-names.js';
import type { LocalPortView, NetworkView, NodeView, PortView } from '../../model/node-view.js';
import { linkLocalOf } from '../../model/slaac.js';
import { vmDeviceName, type LocalIds } from '../local-ids.js';

/** A VM port of this node with everything the programs ask of it. */
export interface LocalPort {
  readonly local: LocalPortView;
  readonly port: PortView;
  readonly network: NetworkView;
  readonly portId: number;
  readonly localVlan: number;
}

/** The VM ports of this node whose devices are open, in the view's order. */
export function localPorts(view: NodeView, ids: LocalIds): LocalPort[] {
  const here = new Set(view.localPorts.map(({ name }) => name));
  const found = new Map(view.networks.flatMap((network) => network.ports
    .filter(({ name }) => here.has(name))
    .map((port) => [`${network.name}/${port.name}`, { network, port }])));
  return view.localPorts.flatMap((local): LocalPort[] => {
    const { network, port } = found.get(`${local.network}/${local.name}`) ?? {};
    const portId = ids.ports[vmDeviceName(local.name)];
    const localVlan = ids.localVlans[local.network];
    if (!network || !port || portId === undefined || localVlan === undefined) return [];
    return [{ local, port, network, portId, localVlan }];
  });
}

/** Every MAC the port may use: its own first, then those of its address pairs. */
export function macsOf(port: PortView): string[] {
  if (port.allowedAddressPairs.length === 0) return [port.mac];
  return [...new Set([port.mac, ...port.allowedAddressPairs.map(({ mac }) => mac)])];
}

export function portsProgram(view: NodeView, ids: LocalIds): Row[] {
  const vms = localPorts(view, ids);
  return [...vms.map(vmPortRow), ...routerPortRows(view, ids), ...vms.flatMap(allowedSourceRows)];
}

function vmPortRow({ local, port, portId, localVlan }: LocalPort): Row {
  const value = {
    kind: 'vm', local_vlan: localVlan, mac: port.mac, port_security: local.portSecurity,
  } as const;
  return { table: 'ports', key: { port: portId }, value };
}

function routerPortRows(view: NodeView, ids: LocalIds): Row[] {
  return view.routers.flatMap(({ id, interfaces }) => interfaces.flatMap(({ network, mac }): Row[] => {
    const port = ids.ports[routerPortName(id, network)];
    const localVlan = ids.localVlans[network];
    if (port === undefined || localVlan === undefined) return [];
    const value = { kind: 'router', local_vlan: localVlan, mac, port_security: true } as const;
    return [{ table: 'ports', key: { port }, value }];
  }));
}

function allowedSourceRows({ port, portId }: LocalPort): Row[] {
  const rows: Row[] = [];
  const allow = (mac: string, ip: string, prefixBits = 128): void => {
    const key = { port: portId, mac, ip, prefix_bits: prefixBits };
    rows.push({ table: 'allowed_sources', key, value: {} });
  };
  for (const mac of macsOf(port)) {
    allow(mac, '::');
    allow(mac, linkLocalOf(mac));
  }
  for (const ip of port.ips) allow(port.mac, ip);
  for (const { ip, mac } of port.allowedAddressPairs) {
    const cidr = cidrOf(ip);
    if (cidr === undefined) continue;
    // The tables know IPv4 as ::ffff:0:0/96.
    allow(mac, networkAddress(cidr), prefixBitsOf(cidr) + (familyOf(cidr) === 4 ? 96 : 0));
  }
  return rows;
}

/** The prefix that a pair's `ip` names: a CIDR, or one address. */
export function cidrOf(pair: string): Cidr | undefined {
  const ip = parseIp(pair);
  const parsed = parseCidr(ip === undefined ? pair : `${ip}/${familyOf(ip) === 4 ? '32' : '128'}`);
  return parsed.kind === 'malformed' ? undefined : parsed.cidr;
}
