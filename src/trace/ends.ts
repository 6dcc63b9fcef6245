/**
 * Finds the two ends of a walk from what the user typed (a port's name, an IP address or a MAC), and
 * the MAC the source would write as destination: the other port's inside a subnet, the gateway's
 * outside. Pure: the same decisions a VM's own stack makes, from the controller's knowledge.
 */
import { isIP } from 'node:net';
import { isInCidr, parseIp, parseMac } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import type { NodeView } from '../model/node-view.js';
import type { PortSummary } from './cluster.js';
import type { Names } from './names.js';
import type { OutsideAddress } from './outside-addresses.js';
import type { WalkEnd } from './walk-model.js';

export interface Ends {
  readonly source: WalkEnd & { readonly node: string };
  readonly sourceMac: string;
  readonly destination: WalkEnd;
  /** The address of this cloud that somebody outside sends to: the packet is put in at its node's uplink. */
  readonly entrance?: OutsideAddress;
}

/** Of hosts outside: nobody checks whose it is, and the answer goes to whom ARP says. */
const kOutsideMac = '02:00:00:00:00:01';

/** Whether the walk begins outside: at an address that no port has. */
export function beginsOutside(from: string, ports: readonly PortSummary[]): boolean {
  return parseIp(from) !== undefined && onlyPort(from, ports) === undefined;
}

/**
 * The ends of a walk from an address outside to one of this cloud that is seen there.
 *
 * @throws DVR_NOT_FOUND when this cloud has no such address.
 */
export function outsideEnds(from: string, to: string, names: Names, ports: readonly PortSummary[]): Ends {
  if (names.isOutside(from)) {
    const ip = parseIp(to) ?? '';
    const entrance = names.outsideAddress(ip) ?? names.entranceOf(ip);
    if (entrance !== undefined) {
      return { source: { ip: from, node: entrance.node }, sourceMac: kOutsideMac, destination: endOf(ip, entrance, ports), entrance };
    }
    throw new DvrError(
      'DVR_NOT_FOUND', `nobody outside can reach "${to}" by that: it is no floating IP and no gateway address here`,
      'name a floating IP or a router\'s gateway address; see `dvr status`',
    );
  }
  throw notFound(from);
}

/** With the port that has the floating IP, where the destination is one. */
export function withFloatingIp(ends: Ends, names: Names, ports: readonly PortSummary[]): Ends {
  const own = names.outsideAddress(ends.destination.ip);
  return ends.destination.name !== undefined || own === undefined
    ? ends : { ...ends, destination: endOf(ends.destination.ip, own, ports) };
}

function endOf(ip: string, { port: name }: OutsideAddress, ports: readonly PortSummary[]): WalkEnd {
  const port = ports.find((one) => one.name === name);
  if (port === undefined) return { ip };
  return { name: port.name, ip, network: port.network, ...(port.node === undefined ? {} : { node: port.node }) };
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
