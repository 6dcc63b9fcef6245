/** What tests of north-south ask of the cloud and of the world outside, and do to them. */
import { afterAll, beforeAll, expect } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import type { GatewayView } from '../../src/model/node-view.js';
import { decodeFrame } from '../../src/trace/frame.js';
import { mustBeZero, pings, within, type Hop } from './cloud.js';
import type { Capture, Lab } from './lab.js';
import { forgetNeighboursAt } from './neighbours.js';

export const farHost = '198.51.100.9';
export const host = '203.0.113.10';
export const upstream = '203.0.113.1';
/** The whole wire of the provider, or what the filter lets through of it. */
export const provider = (filter = ''): Hop => ['fabric', 'physnet1', filter];
/** Enough of a packet for its addresses. */
const kHeaderBytes = 96;
/** What may not be seen outside: tenants' addresses, and those of the links between namespaces. */
const kPrivate = /^(10\.|172\.16\.|192\.168\.|169\.254\.|f[cd])/;

const nodeAt = (last: number, more: object = {}): object => ({ vtep: `172.16.0.${last}`, provider: { physnet1: 'ex0' }, ...more });
const kNodes = { cn1: nodeAt(11), cn2: nodeAt(12), nn1: nodeAt(21, { network_node: true }) };
export const secondNetworkNode = { nn2: nodeAt(22, { network_node: true }) };
const kExternalNetworks = {
  ext: { physical_network: 'physnet1', subnets: [{ cidr: '203.0.113.0/24', gateway: upstream, pool: '203.0.113.20-203.0.113.99' }] },
};

/**
 * A topology with a way out: the nodes cn1, cn2 and nn1, which does source NAT, all on the lab's wire of the provider,
 * and `ext` there. `own` are the test's sections of it; what `more` names is added to those nodes and networks, or
 * stands for one of them.
 */
export const topologyWithOutside = (
  own: string, more: { readonly nodes?: Readonly<Record<string, object>>; readonly externalNetworks?: Readonly<Record<string, object>> } = {},
): string => `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: ${JSON.stringify({ ...kNodes, ...more.nodes })}
external_networks: ${JSON.stringify({ ...kExternalNetworks, ...more.externalNetworks })}
${own}`;

/** A device's MAC and address. */
export interface Place { readonly mac: string; readonly ip: string }

export interface OutsideNames {
  readonly gateway: GatewayView;
  readonly sg: (network: string) => Place;
  readonly qg: Place;
  readonly fg: (node: string) => Place;
}

export async function outsideNames(router = 'r1', network = 'ext'): Promise<OutsideNames> {
  const client = controllerClient();
  const views = await Promise.all((await client.nodes()).map(({ name }) => client.view(name)));
  const gateway = views.flatMap((view) => view.routers).find(({ id }) => id === router)?.gateway;
  if (gateway === undefined) throw new Error(`${router} has no gateway`);
  return {
    gateway,
    sg: (tenant) => placeOf(gateway.snatPorts.find((port) => port.network === tenant), `sg of ${tenant}`),
    qg: placeOf(gateway, `qg of ${router}`),
    fg: (node) => placeOf(views.find((view) => view.node.name === node)?.externalNetworks
      ?.find(({ name }) => name === network)?.fg, `fg of ${node}`),
  };
}

function placeOf(device: { readonly mac: string; readonly addresses: readonly string[] } | undefined, what: string): Place {
  const [ip] = (device?.addresses[0] ?? '').split('/');
  if (device === undefined || ip === undefined || ip === '') throw new Error(`there is no ${what}`);
  return { mac: device.mac, ip };
}

/**
 * Captures the provider's wire while all tests of the `describe` it is called in run, and fails at their end if
 * any packet there had a private address, or passed unseen. It sees both what the cloud sends and what comes back.
 */
export function nothingPrivateOutside(lab: Lab, wire: Hop = provider()): void {
  let running: Capture | undefined;
  beforeAll(async () => { running = await lab.startCapture(wire[0], wire[1], wire[2], kHeaderBytes); });
  afterAll(async () => {
    const seen = (await running?.stop() ?? []).map(({ data }) => decodeFrame(data));
    expect(running?.missed()).toBe(0);
    expect(seen.some((frame) => frame?.ip !== undefined)).toBe(true);
    expect(seen.filter((frame) => [frame?.ip?.src, frame?.arp?.senderIp].some((ip) => ip !== undefined && kPrivate.test(ip)))).toEqual([]);
  });
}

/** The address and port that the server there sees its visitor at. */
export async function visitorOf(lab: Lab, from: string, address: string): Promise<string> {
  const ran = mustBeZero(await lab.exec(from, ['curl', '--silent', '--max-time', '5', `http://${address}/`]));
  return /you are (\S+) port/.exec(ran.stdout)?.[1] ?? ran.stdout;
}

/** The name of the one device at a place that begins so. */
export async function deviceAt(lab: Lab, place: string, prefix: string): Promise<string> {
  const links = JSON.parse(mustBeZero(await lab.exec(place, ['ip', '-json', 'link', 'show'])).stdout) as { ifname: string }[];
  const names = links.map(({ ifname }) => ifname).filter((name) => name.startsWith(prefix));
  if (names.length !== 1) throw new Error(`${place} has ${names.length} devices ${prefix}: ${names.join(' ')}`);
  return names[0] ?? '';
}

/** Entries of connection tracking at a place that are no closed connection: those go by themselves, later. */
export async function openConnections(lab: Lab, place: string, protocol = 'tcp'): Promise<string[]> {
  const { stdout } = mustBeZero(await lab.exec(place, ['conntrack', '-L', '-p', protocol]));
  return stdout.split('\n').filter((line) => line !== '' && !/ (TIME_WAIT|CLOSE) /.test(line));
}

/** Who answers ARP for the address on the provider's wire, asked by the outside host: every answer's MAC, announcements left out. */
export async function arpAnswers(lab: Lab, address: string, args: readonly string[] = []): Promise<string[]> {
  await forgetNeighboursAt(lab, 'ext');
  const capture = await lab.startCapture(...provider(`arp and arp[6:2] = 2 and src host ${address} and not dst host ${address}`));
  await lab.ping('ext', address, { count: 1, args: ['-W', '1', ...args] });
  return (await capture.stop()).flatMap(({ data }) => decodeFrame(data)?.arp?.senderMac ?? []);
}

/** Waits until the address answers from outside, or no longer does. */
export const untilPings = (lab: Lab, from: string, address: string, wanted = true): Promise<void> =>
  within(`${address} ${wanted ? 'answers' : 'is silent'}`, async () =>
    ((await lab.ping(from, address, { count: 1, args: ['-W', '1'] })) === 1) === wanted);

export interface EchoFacts {
  readonly srcMac: string; readonly dstMac: string; readonly vlan: number | undefined;
  readonly src: string; readonly dst: string; readonly ttl: number;
}

export const { requests, replies } = pings(({ srcMac, dstMac, vlan, ip }): EchoFacts =>
  ({ srcMac, dstMac, vlan, src: ip?.src ?? '', dst: ip?.dst ?? '', ttl: ip?.ttl ?? 0 }));
