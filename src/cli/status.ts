/** `dvr status`: what is wanted, and how far every node has come with it. */
import type { Command } from 'commander';
import type { NodeStatus, PortStatus, Status } from '../controller/status.js';
import { controllerClient } from './client.js';
import { externalText } from './external-text.js';
import { columns, print } from './output.js';

export function register(program: Command): void {
  program.command('status')
    .description('nodes, networks, routers, ports and ways out, and whether all is in place')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr status\n')
    .action(async ({ json }: { json?: true }) => {
      const status = await controllerClient().status();
      print(json, status, () => statusText(status));
    });
}

export function statusText(status: Status): string {
  const { networks, routers, nodes, ports } = status;
  const isApplied = status.converged ? 'applied on every node' : 'not yet applied on every node';
  return [
    `generation ${status.generation}, ${isApplied}`,
    ...storeText(status),
    '',
    table('no nodes', ['node', 'VTEP', 'DVR MAC', 'agent', 'generation'], nodes.map(nodeRow)), '',
    table('no networks', [
      'network', 'VNI', 'MTU', 'subnets',
    ], networks.map(({ name, vni, mtuBytes, subnets }) =>
      [name, `${vni}`, `${mtuBytes}`, subnets.map(({ cidr }) => cidr).join(' ')])), '',
    table('no routers', [
      'router', 'routing', 'copies on', 'interfaces',
    ], routers.map(({ id, routing, nodes: on, interfaces }) =>
      [
        id,
        routing,
        on.join(' ') || 'no node',
        interfaces.map(({ network, addresses }) => `${network} ${addresses.join(' ')}`).join(', '),
      ])), '',
    ...waysText(status),
    ...externalText(status).flatMap((text) => [text, '']),
    portsText(ports),
    ...nodes.flatMap(({ name, errors }) =>
      errors.map(({ code, message }) => `\n${name}: ${message} (${code})`)),
  ].join('\n');
}

/** Where several controllers keep the state; where one keeps it is of interest only when it fails. */
function storeText({ store: { where, isShared, fault } }: Status): string[] {
  if (fault !== undefined) return [fault];
  return isShared ? [`state in ${where}`] : [];
}

/** Which way each copy's traffic takes; nothing where no node has said so. */
function waysText({ routers, nodes }: Status): string[] {
  const rows = routers.flatMap(({ id }) => nodes.flatMap((node) =>
    node.routers.filter((router) => router.id === id)
      .map(({ way, why }) => [id, node.name, `${way}: ${why}`])));
  return rows.length === 0 ? [] : [table('', ['router', 'node', 'way of its traffic'], rows), ''];
}

export function portsText(ports: readonly PortStatus[]): string {
  return table('no ports', [
    'port', 'network', 'node', 'MAC', 'addresses', 'state',
  ], ports.map((port) =>
    [
      port.name,
      port.network,
      port.node ?? '-',
      port.mac,
      port.ips.join(' ') || '-',
      port.error === undefined ? port.state : `${port.state}: ${port.error}`,
    ]));
}

function nodeRow(
  { name, vtepIp, dvrMac, connected, generation, viewGeneration }: NodeStatus,
): string[] {
  const applied = generation === undefined
    ? `none of ${viewGeneration}`
    : generation >= viewGeneration ? `${generation}` : `${generation} of ${viewGeneration}`;
  return [name, vtepIp, dvrMac, connected ? 'connected' : 'NOT CONNECTED', applied];
}

function table(
  none: string, heading: readonly string[], rows: readonly (readonly string[])[],
): string {
  return rows.length === 0 ? none : columns([heading, ...rows]);
}
