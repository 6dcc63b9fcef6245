/** The way out, in `dvr status`: external networks, routers' gateways, what they forward, and floating IPs. */
import type { FloatingIpStatus, GatewayStatus } from '../controller/external-status.js';
import type { Status } from '../controller/status.js';
import { columns } from './output.js';

/** One text for each table that has something in it. */
export function externalText(status: Pick<Status, 'externalNetworks' | 'routers' | 'floatingIps'>): string[] {
  const { externalNetworks, floatingIps } = status;
  return [
    table(['external network', 'wire', 'MTU', 'subnets', 'uplinks'], externalNetworks.map(
      ({ name, physicalNetwork, vlan, mtuBytes, subnets, uplinks }) => [
        name,
        `${physicalNetwork} ${vlan === undefined ? 'untagged' : `VLAN ${vlan}`}`,
        `${mtuBytes}`,
        subnets.map(({ cidr, gatewayIp }) => `${cidr} by ${gatewayIp}`).join(', '),
        uplinks.map(({ node, addresses }) => [node, ...addresses].join(' ')).join(', ') || 'no node',
      ])),
    table(['router', 'gateway in', 'addresses', 'source NAT', 'path'], gatewayRows(status)),
    table(['router', 'forwards', 'to', 'port'], forwardingRows(status)),
    table(['floating IP', 'network', 'port', 'address', 'done on'], floatingIps.map((one) =>
      [one.ip, one.network, one.port ?? '-', one.fixedIp ?? '-', placeOf(one)])),
  ].filter((text) => text !== '');
}

function gatewayRows({ routers }: Pick<Status, 'routers'>): string[][] {
  return routers.flatMap(({ id, gateway }) => {
    if (gateway === undefined) return [];
    const { network, addresses, snat, snatPath } = gateway;
    const place = ownerOf(gateway);
    return [[id, network, addresses.join(' '), snat ? place : `off, routed by ${place}`, snatPath]];
  });
}

function forwardingRows({ routers }: Pick<Status, 'routers'>): string[][] {
  return routers.flatMap(({ id, gateway }) => (gateway?.portForwardings ?? []).map(
    ({ protocol, externalIp, externalPort, fixedIp, internalPort, port }) => [
      id, `${protocol} ${externalIp ?? ''}:${externalPort}`,
      fixedIp === undefined ? 'NOBODY: the port or its address is gone' : `${fixedIp}:${internalPort}`, port,
    ]));
}

function ownerOf({ node, standby }: GatewayStatus): string {
  if (node !== undefined) return [node, ...standby.map((name) => `(${name} stands by)`)].join(' ');
  return standby.length === 0 ? 'NOBODY: no network node has an uplink' : `NOBODY: none of ${standby.join(', ')} is elected`;
}

function placeOf({ port, fixedIp, node, placement, router }: FloatingIpStatus): string {
  if (port === undefined && router === undefined) return 'kept, nobody has it';
  if (port === undefined && node !== undefined) return `${node}, port by port with router ${router ?? ''}`;
  if (port !== undefined && fixedIp === undefined) return 'NOBODY: the port or its address is gone';
  if (node === undefined) return `NOBODY: router ${router ?? ''} has no network node`;
  return `${node}, ${placement === 'central' ? `central with router ${router ?? ''}` : 'with the port'}`;
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : columns([heading, ...rows]);
}
