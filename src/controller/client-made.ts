/**
 * What clients of the Networking API have made stays when a topology file is applied that does not speak of it, as
 * ports do that attach made: the file is answerable for what it has, and for what an earlier one had. A thing that
 * the file names is the file's from then on.
 */
import { contains, withoutPrefix } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import type { FloatingIp, RouterIntent } from '../model/resources.js';
import type { Topology } from '../model/topology.js';
import { floatingIpKey } from './gateway-names.js';
import type { Intent } from './intent.js';
import { placeOf, recordOf, type Records } from './records.js';
import type { Kind } from './resource-index.js';

/** The topology with what clients made beside it. @throws DvrError DVR_CONFLICT where there is no place left for that. */
export function withClientMade(intent: Intent, topology: Topology): Topology {
  const beside = <Value>(kind: Kind, values: ReadonlyMap<string, Value>, declared: ReadonlySet<string>): Value[] =>
    [...values].flatMap(([key, value]) =>
      !declared.has(key) && recordOf(intent, kind, key)?.byClient === true ? [value] : [],
    );
  const names = new Set<string>([...topology.networks, ...topology.externalNetworks].map(({ name }) => name));
  const routers = new Set<string>(topology.routers.map(({ id }) => id));
  const floatingIps = new Set(topology.floatingIps.map(floatingIpKey));
  const all: Topology = {
    ...topology,
    networks: [...topology.networks, ...beside('network', intent.networks, names)],
    externalNetworks: [...topology.externalNetworks, ...beside('network', intent.externalNetworks, names)],
    routers: [...topology.routers, ...beside('router', intent.routers, routers)],
    floatingIps: [...topology.floatingIps, ...beside('floatingip', intent.floatingIps, floatingIps)],
  };
  refuseLostNetworks(all);
  refuseLostSubnets(all);
  refuseOneWire(all);
  refuseOneAddress(all.routers);
  return { ...all, floatingIps: all.floatingIps.map((one) => withoutLostPort(intent, all, one)) };
}

/** The records once the file has been applied: what it names is its own. */
export function adopted(intent: Intent, topology: Topology): Records {
  const places = [
    ...[...topology.networks, ...topology.externalNetworks].map(({ name }) => placeOf('network', name)),
    ...topology.routers.map(({ id }) => placeOf('router', id)),
    ...topology.ports.map(({ name }) => placeOf('port', name)),
    ...topology.floatingIps.map((one) => placeOf('floatingip', floatingIpKey(one))),
  ];
  const taken = places.flatMap((place) => {
    const record = intent.records.get(place);
    return record?.byClient === true ? [[place, { ...record, byClient: false }] as const] : [];
  });
  return taken.length === 0 ? intent.records : new Map([...intent.records, ...taken]);
}

function refuseLostNetworks({ networks, externalNetworks, routers, floatingIps }: Topology): void {
  const tenants = new Set(networks.map(({ name }) => name));
  const outside = new Set(externalNetworks.map(({ name }) => name));
  for (const { id, interfaces, gateway } of routers) {
    const lost = interfaces.find(({ network }) => !tenants.has(network))?.network;
    if (lost !== undefined) throw conflict(`router ${id} is in network ${lost}, which the topology no longer has`, id);
    if (gateway !== undefined && !outside.has(gateway.network))
      throw conflict(`router ${id} has its gateway in network ${gateway.network}, which the topology no longer has`, id);
  }
  const stray = floatingIps.find(({ network }) => !outside.has(network));
  if (stray !== undefined)
    throw conflict(`floating IP ${stray.ip} is of network ${stray.network}, which the topology no longer has`, stray.ip);
}

/** The file names a network with other subnets than clients have given it. */
function refuseLostSubnets({ networks, externalNetworks, routers, floatingIps }: Topology): void {
  const subnets = new Map([...networks, ...externalNetworks].map((one) => [one.name, one.subnets]));
  const used = [
    ...routers.flatMap(({ id, interfaces }) =>
      interfaces.flatMap(({ network, addresses }) =>
        addresses.map((address) => ({ what: `router ${id}`, network, ip: withoutPrefix(address) })),
      ),
    ),
    ...floatingIps.map(({ network, ip }) => ({ what: 'a floating IP', network, ip })),
  ];
  for (const { what, network, ip } of used)
    if (subnets.get(network)?.some(({ cidr }) => contains(cidr, ip)) !== true)
      throw conflict(`${what} has ${ip} in a subnet that the topology no longer has in network ${network}`, what);
}

function refuseOneWire({ externalNetworks }: Topology): void {
  const owners = new Map<string, string>();
  for (const { name, physicalNetwork, vlan } of externalNetworks) {
    const wire = vlan === undefined ? `${physicalNetwork} untagged` : `VLAN ${vlan} on ${physicalNetwork}`;
    const other = owners.get(wire);
    if (other !== undefined) throw conflict(`networks ${other} and ${name} would both be ${wire}`, name);
    owners.set(wire, name);
  }
}

function refuseOneAddress(routers: readonly RouterIntent[]): void {
  const owners = new Map<string, string>();
  for (const { id, interfaces } of routers)
    for (const { network, addresses } of interfaces)
      for (const ip of addresses.map(withoutPrefix)) {
        const other = owners.get(`${network} ${ip}`);
        if (other !== undefined) throw conflict(`routers ${other} and ${id} would both have ${ip} in network ${network}`, id);
        owners.set(`${network} ${ip}`, id);
      }
}

/** A port of the file before may be gone; its floating IP is kept for another. */
function withoutLostPort({ ports }: Intent, topology: Topology, floatingIp: FloatingIp): FloatingIp {
  const { port, fixedIp: _fixedIp, ...free } = floatingIp;
  const isThere = topology.ports.some(({ name }) => name === port);
  const stays = isThere || (port !== undefined && ports.get(port)?.madeBy !== 'topology' && ports.has(port));
  return port === undefined || stays ? floatingIp : free;
}

function conflict(why: string, what: string): DvrError {
  return new DvrError('DVR_CONFLICT', why, `${what} was made by the API or by the file: change it there first, or in the file`);
}
