/**
 * A router's `port_forwardings`: single ports of an outside address that lead to ports of the cloud. The address is
 * the gateway's, or a floating IP that has no port of its own.
 */
import { familiesOf } from './external-ip.js';
import type { Name } from './identifiers.js';
import { MAX_PORT_FORWARDINGS_PER_ROUTER } from './limits.js';
import {
  forwardedProtocols,
  type FloatingIp,
  type ForwardedProtocol,
  type GatewayIntent,
  type PortForwarding,
  type RouterIntent,
} from './resources.js';
import type { ExternalNetworks } from './topology-external.js';
import { readTargetPort, targetOf, type TargetContext } from './topology-targets.js';
import { claim, readIp } from './topology-values.js';
import type { Fields, Value, YamlReader } from './yaml-reader.js';

export interface ForwardingContext extends TargetContext {
  readonly external: ExternalNetworks;
  readonly floatingIps: readonly FloatingIp[];
}

interface Forwarding extends ForwardingContext {
  readonly router: RouterIntent;
  readonly gateway: GatewayIntent;
  /** Who forwards from which port of which address, over all routers. */
  readonly taken: Map<string, string>;
  /** The router that each floating IP is at home with, by network and address. */
  readonly homes: Map<string, Name>;
}

const keys = ['protocol', 'external_port', 'floating_ip', 'port', 'fixed_ip', 'internal_port'] as const;
const required = ['protocol', 'external_port', 'port', 'internal_port'] as const;
type ForwardingFields = Fields<(typeof keys)[number]>['values'];

const MAX_PORT_NUMBER = 65_535;

/** @param forwardings the routers' lists, by router. */
export function withPortForwardings(
  reader: YamlReader,
  routers: readonly RouterIntent[],
  forwardings: ReadonlyMap<Name, Value>,
  context: ForwardingContext,
): readonly RouterIntent[] {
  const shared = { ...context, taken: new Map<string, string>(), homes: new Map<string, Name>() };
  return routers.map((router) => {
    const value = forwardings.get(router.id);
    const items = reader.list(value, MAX_PORT_FORWARDINGS_PER_ROUTER);
    if (value === undefined || items.length === 0) return router;
    const gateway = gatewayOf(reader, router, value, context.external);
    if (gateway === undefined) return router;
    const all: Forwarding = { ...shared, router, gateway };
    return { ...router, portForwardings: items.flatMap((item) => readForwarding(reader, item, all) ?? []) };
  });
}

/** Forwarding is NAT: it is done where source NAT is, and to an IPv4 address. */
function gatewayOf(
  reader: YamlReader,
  { gateway }: RouterIntent,
  { path }: Value,
  { externalNetworks }: ExternalNetworks,
): GatewayIntent | undefined {
  if (gateway === undefined) {
    // A gateway that is faulty has been told of.
    if (reader.isFaulty(path.replace(/port_forwardings$/, 'gateway'))) return undefined;
    return reader.fault(path, 'the router has no gateway that anything could come in by; write one, like gateway: ext');
  }
  if (!gateway.snat) return reader.fault(path, 'the gateway has snat: false, and nothing is translated there');
  const network = externalNetworks.find(({ name }) => name === gateway.network);
  if (network === undefined || familiesOf(network).includes(4)) return gateway;
  return reader.fault(path, `network ${network.name} has no IPv4 subnet, and IPv6 is routed without NAT`);
}

function readForwarding(reader: YamlReader, item: Value, all: Forwarding): PortForwarding | undefined {
  const values = reader.fields(item, keys, required)?.values;
  if (values === undefined) return undefined;
  const protocol = values.protocol && readProtocol(reader, values.protocol);
  const externalPort = values.external_port && reader.integer(values.external_port, 1, MAX_PORT_NUMBER);
  const internalPort = values.internal_port && reader.integer(values.internal_port, 1, MAX_PORT_NUMBER);
  const fixedIp = values.fixed_ip && readIp(reader, values.fixed_ip);
  const floatingIp = values.floating_ip && readFloatingIp(reader, values.floating_ip, all);
  const port = readPort(reader, values, fixedIp, all);
  if (protocol === undefined || externalPort === undefined || internalPort === undefined) return undefined;
  if (port === undefined || (values.floating_ip !== undefined && floatingIp === undefined)) return undefined;
  const { router, gateway } = all;
  const address = floatingIp === undefined ? `the gateway of router ${router.id}` : `${floatingIp} in network ${gateway.network}`;
  const what = `${protocol} port ${externalPort} of ${address}`;
  if (!claim(reader, all.taken, what, values.external_port?.path ?? item.path, what)) return undefined;
  return {
    protocol,
    externalPort,
    port,
    internalPort,
    ...(fixedIp === undefined ? {} : { fixedIp }),
    ...(floatingIp === undefined ? {} : { floatingIp }),
  };
}

function readProtocol(reader: YamlReader, value: Value): ForwardedProtocol | undefined {
  const text = reader.text(value);
  const protocol = forwardedProtocols.find((known) => known === text);
  if (protocol === undefined && text !== undefined)
    reader.fault(value.path, `"${text}" has no ports to forward; there are ${forwardedProtocols.join(', ')}`);
  return protocol;
}

/** One that a port has would be wholly that port's, and one of another network never comes to this router. */
function readFloatingIp(
  reader: YamlReader,
  value: Value,
  { router, gateway, floatingIps, homes }: Forwarding,
): PortForwarding['floatingIp'] {
  const ip = readIp(reader, value);
  if (ip === undefined) return undefined;
  const found = floatingIps.find((one) => one.ip === ip && one.network === gateway.network);
  if (found === undefined) {
    // A faulty one has been told of, and may be the one.
    if (reader.isFaulty('floating_ips')) return undefined;
    return reader.fault(value.path, `there is no floating IP ${ip} in network ${gateway.network}; declare it, like ${ip}: {}`);
  }
  if (found.port !== undefined)
    return reader.fault(value.path, `${ip} is port ${found.port}'s, with all its ports; name one that has no port`);
  const home = homes.get(`${gateway.network}/${ip}`) ?? router.id;
  homes.set(`${gateway.network}/${ip}`, home);
  if (home === router.id) return ip;
  return reader.fault(value.path, `router ${home} forwards from ${ip} already, and an address is at home with one router`);
}

function readPort(
  reader: YamlReader,
  { port: value, fixed_ip }: ForwardingFields,
  fixedIp: PortForwarding['fixedIp'],
  all: Forwarding,
): Name | undefined {
  const { router, gateway } = all;
  const port = value && readTargetPort(reader, value, all);
  if (value === undefined || port === undefined) return undefined;
  const target = targetOf(reader, gateway.network, port, value.path, fixed_ip && { value: fixed_ip, fixedIp }, all);
  if (target === undefined) return undefined;
  if (target.router?.id === router.id) return port.name;
  const other = target.router === undefined ? '' : `; what it answers goes to router ${target.router.id}`;
  return reader.fault(value.path, `router ${router.id} does not reach port ${port.name} in network ${port.network}${other}`);
}
