/**
 * Finds the two ends of a walk from what the user typed (a port's name, an IP address or a MAC), and
 * the MAC the source would write as destination: the other port's inside a subnet, the gateway's
 * outside. Pure: the same decisions a VM's own stack makes, from the controller's knowledge.
 */
import { isIP } from 'node:net';
import { DvrError } from '../model/errors.js';
import type { NodeView } from '../model/node-view.js';
import { parseIp, parseMac } from '../model/addresses.js';
import { isInCidr } from './address-text.js';
import type { PortSummary } from './cluster.js';
import type { WalkEnd } from './walk-model.js';

export interface Ends {
  readonly source: Required<WalkEnd>;
  readonly sourceMac: string;
  readonly destination: WalkEnd;
}

/**
 * @throws DVR_NOT_FOUND when nothing matches, DVR_CONFLICT when more than one port does,
 * DVR_USAGE when the two have no common address family.
 */
export function endsOf(
  from: string, to: string, ports: readonly PortSummary[],
  options: { readonly ipv6?: boolean } = {},
): Ends {
  const sourcePort = onlyPort(from, ports);
  if (sourcePort === undefined) throw notFound(from);
  const { node } = sourcePort;
  if (node === undefined) {
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${sourcePort.name} is bound to no node, so nothing can be sent from it`,
      `dvr port attach ${sourcePort.name} --node NODE --netns PATH`,
    );
  }
  const near = ports.filter((port) => port.network === sourcePort.network);
  const found = onlyPort(to, near) ?? onlyPort(to, ports);
  const given = parseIp(to);
  if (found === undefined && given === undefined) throw notFound(to);
  const version = given !== undefined ? isIP(given) : options.ipv6 === true ? 6 : undefined;
  const destinationIp = given ?? commonIp(found?.ips ?? [], sourcePort.ips, version);
  const sourceIp = destinationIp === undefined
    ? undefined
    : sourcePort.ips.find((ip) => isIP(ip) === isIP(destinationIp));
  if (destinationIp === undefined || sourceIp === undefined) {
    throw new DvrError(
      'DVR_USAGE', `${sourcePort.name} and ${to} have no addresses of one family`, 'dvr port list',
    );
  }
  return {
    source: { name: sourcePort.name, ip: sourceIp, network: sourcePort.network, node },
    sourceMac: sourcePort.mac,
    destination: found === undefined ? { ip: destinationIp } : {
      name: found.name,
      ip: destinationIp,
      network: found.network,
      ...(found.node === undefined ? {} : { node: found.node }),
    },
  };
}

/** The destination MAC of the first frame; `view` is the source's node's. */
export function nextHopMac(
  { source, destination }: Pick<Ends, 'source' | 'destination'>, view: NodeView,
): string {
  const network = view.networks.find((one) => one.name === source.network);
  if (network === undefined) {
    throw new DvrError(
      'DVR_NOT_FOUND',
      `${source.node} does not know network ${source.network}`,
      'dvr status: has the node got the newest view?',
    );
  }
  const subnet = network.subnets.find(({ cidr }) => isInCidr(source.ip, cidr));
  if (subnet === undefined) {
    throw new DvrError(
      'DVR_CONFLICT',
      `${source.ip} of ${source.name} is in no subnet of ${source.network}`,
      'dvr port list',
    );
  }
  const isNeighbour = isInCidr(destination.ip, subnet.cidr);
  const nextHop = isNeighbour ? destination.ip : subnet.gatewayIp;
  if (nextHop === undefined) {
    throw new DvrError(
      'DVR_NOT_FOUND',
      `subnet ${subnet.cidr} has no gateway, so ${source.name} cannot reach ${destination.ip}`,
      'give a router an interface in the network',
    );
  }
  const router = network.routerInterfaces.find(({ addresses }) =>
    addresses.some((address) => address.split('/')[0] === nextHop));
  const port = network.ports.find(({ ips }) => ips.includes(nextHop));
  const pairs = network.ports.flatMap(({ allowedAddressPairs }) => allowedAddressPairs);
  const pair = pairs.find(({ ip }) => ip === nextHop);
  const mac = router?.mac ?? port?.mac ?? pair?.mac;
  if (mac !== undefined) return mac;
  const question = isIP(nextHop) === 4 ? 'an ARP request' : 'a neighbour solicitation';
  throw new DvrError(
    'DVR_NOT_FOUND',
    `nobody on ${source.network} has ${nextHop}: ${question} of ${source.name} gets no answer`,
    'dvr port list',
  );
}

function onlyPort(text: string, ports: readonly PortSummary[]): PortSummary | undefined {
  const named = ports.find(({ name }) => name === text);
  if (named !== undefined) return named;
  const ip = parseIp(text);
  const mac = parseMac(text);
  const found = ports.filter((port) =>
    (ip !== undefined && port.ips.includes(ip)) || port.mac === mac);
  if (found.length > 1) {
    const all = found.map(({ name, network }) => `${name} (${network})`).join(', ');
    throw new DvrError(
      'DVR_CONFLICT', `${text} is on several ports: ${all}`, 'name the port you mean',
    );
  }
  return found[0];
}

function commonIp(
  wanted: readonly string[], have: readonly string[], version: number | undefined,
): string | undefined {
  const families = version === undefined ? [4, 6] : [version];
  const family = families.find((one) =>
    wanted.some((ip) => isIP(ip) === one) && have.some((ip) => isIP(ip) === one));
  return wanted.find((ip) => isIP(ip) === family);
}

function notFound(text: string): DvrError {
  return new DvrError(
    'DVR_NOT_FOUND',
    `no port is "${text}"`,
    'name a port, its IP address or its MAC; see `dvr port list`',
  );
}
