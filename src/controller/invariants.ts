/**
 * What holds of every intent there can be, whatever was asked for and whoever was killed: every reference leads
 * to something, and nothing has two owners. Nothing that runs asks it; tests ask it of whatever a run has left.
 */
import { contains, withoutPrefix, type IpAddress } from '../model/addresses.js';
import { gatewayPortName, snatPortName } from '../model/device-names.js';
import type { Subnet } from '../model/resources.js';
import { fgOwner } from './gateway-names.js';
import type { Intent } from './intent.js';
import { placeOf } from './records.js';
import { spacesOf } from './resource-index.js';

/** What is wrong, a sentence each; empty where all is well. */
export function faultsOf(intent: Intent): readonly string[] {
  return [
    ...danglingIn(intent),
    ...unsettledIn(intent),
    ...sharedIn(intent),
    ...strayIn(intent),
    ...unrecordedIn(intent),
  ];
}

/** A thing that is there, and the key of another in a map that must have it. */
type Reference = readonly [from: string, to: ReadonlyMap<string, unknown>, what: string, key: string | undefined];

function danglingIn(intent: Intent): string[] {
  const { nodes, networks, externalNetworks, routers, ports } = intent;
  const all: readonly Reference[] = [
    ...[...ports.values()].flatMap(({ name, network, binding }): Reference[] => [
      [`port ${name}`, networks, 'network', network],
      [`port ${name}`, nodes, 'node', binding?.node],
      [`port ${name}`, nodes, 'node', binding?.migration?.to],
    ]),
    ...[...routers.values()].flatMap(({ id, interfaces, gateway }): Reference[] => [
      ...interfaces.map(({ network }): Reference => [`router ${id}`, networks, 'network', network]),
      [`router ${id}`, externalNetworks, 'external network', gateway?.network],
    ]),
    ...[...intent.interopVteps.values()].flatMap(({ name, networks: known }) =>
      known.map((network): Reference => [`interop VTEP ${name}`, networks, 'network', network]),
    ),
    ...[...intent.gateways.values()].flatMap(({ router, network, node }): Reference[] => [
      [`the gateway of ${router}`, routers, 'router', router],
      [`the gateway of ${router}`, externalNetworks, 'external network', network],
      [`the gateway of ${router}`, nodes, 'node', node],
    ]),
    ...[...intent.fgPorts.values()].flatMap(({ network, node }): Reference[] => [
      [fgOwner(network, node), externalNetworks, 'external network', network],
      [fgOwner(network, node), nodes, 'node', node],
    ]),
    ...[...intent.floatingIps.values()].map(
      ({ ip, network }): Reference => [`floating IP ${ip}`, externalNetworks, 'external network', network],
    ),
    ...[...intent.addressHolders.values()].map(
      ({ ip, port }): Reference => [`the holder of ${ip}`, ports, 'port', port],
    ),
  ];
  return all.flatMap(([from, to, what, key]) =>
    key === undefined || to.has(key) ? [] : [`${from} names ${what} ${key}, which does not exist`],
  );
}

/** What is derived from wishes and kept, because it was given out, must fit them. */
function unsettledIn({ routers, gateways, nodes, dvrMacs }: Intent): string[] {
  return [
    ...[...routers.values()].flatMap(({ id, gateway, interfaces }) => {
      const given = gateways.get(id);
      if (given?.network !== gateway?.network) return [`router ${id} has not the gateway that it asks for`];
      const own = new Set(interfaces.map(({ network }) => network));
      return (given?.snatPorts ?? []).flatMap(({ network }) =>
        own.has(network) ? [] : [`router ${id} has an sg- port in ${network}, and no interface there`],
      );
    }),
    ...[...nodes.values()].flatMap(({ name, dvrMac }) =>
      dvrMacs.get(name) === dvrMac ? [] : [`node ${name} has a DVR MAC that is not kept for it`],
    ),
  ];
}

/** Something that one alone may have, and who has it. */
type Ownership = readonly [what: string, owner: string];

function sharedIn(intent: Intent): string[] {
  const all = [
    ...numbersOf(intent),
    ...macsOf(intent).map(([mac, owner]): Ownership => [`MAC ${mac}`, owner]),
    ...addressesOf(intent).map(({ ip, network, owner }): Ownership => [`${ip} in ${network}`, owner]),
  ];
  const owners = new Map<string, string>();
  return all.flatMap(([what, owner]) => {
    const other = owners.get(what);
    owners.set(what, owner);
    return other === undefined ? [] : [`${what} has two owners, ${other} and ${owner}`];
  });
}

function numbersOf({ networks, nodes, interopVteps, records }: Intent): Ownership[] {
  return [
    ...[...networks.values()].map(({ name, vni }): Ownership => [`VNI ${vni}`, `network ${name}`]),
    ...[...nodes.values(), ...interopVteps.values()].map(
      ({ name, vtepIp }): Ownership => [`VTEP ${vtepIp}`, name],
    ),
    ...[...records.values()].map(({ id, kind, key }): Ownership => [`UUID ${id}`, placeOf(kind, key)]),
  ];
}

function macsOf({ ports, routers, gateways, fgPorts, dvrMacs }: Intent): Ownership[] {
  return [
    ...[...dvrMacs].map(([node, mac]): Ownership => [mac, `node ${node}`]),
    ...[...ports.values()].map(({ name, mac }): Ownership => [mac, `port ${name}`]),
    ...[...routers.values()].flatMap(({ id, interfaces }) =>
      interfaces.map(({ network, mac }): Ownership => [mac, `router ${id} in ${network}`]),
    ),
    ...[...gateways.values()].flatMap(({ router, mac, snatPorts }): Ownership[] => [
      [mac, gatewayPortName(router)],
      ...snatPorts.map((port): Ownership => [port.mac, snatPortName(router, port.network)]),
    ]),
    ...[...fgPorts.values()].map(({ network, node, mac }): Ownership => [mac, fgOwner(network, node)]),
  ];
}

interface OwnedAddress {
  readonly ip: IpAddress;
  readonly network: string;
  readonly owner: string;
}

/** Every address of a network that somebody answers for. */
function addressesOf({ ports, routers, gateways, fgPorts, floatingIps }: Intent): OwnedAddress[] {
  const of = (network: string, owner: string, ips: readonly IpAddress[]): OwnedAddress[] =>
    ips.map((ip) => ({ ip, network, owner }));
  return [
    ...[...ports.values()].flatMap(({ name, network, ips }) => of(network, `port ${name}`, ips)),
    ...[...routers.values()].flatMap(({ id, interfaces }) =>
      interfaces.flatMap(({ network, addresses }) => of(network, `router ${id}`, addresses.map(withoutPrefix))),
    ),
    ...[...gateways.values()].flatMap(({ router, network, addresses, snatPorts }) => [
      ...of(network, gatewayPortName(router), addresses.map(withoutPrefix)),
      ...snatPorts.flatMap((port) =>
        of(port.network, snatPortName(router, port.network), port.addresses.map(withoutPrefix)),
      ),
    ]),
    ...[...fgPorts.values()].flatMap(({ network, node, addresses }) =>
      of(network, fgOwner(network, node), addresses.map(withoutPrefix)),
    ),
    ...[...floatingIps.values()].flatMap(({ ip, network }) => of(network, `floating IP ${ip}`, [ip])),
  ];
}

/** Addresses outside all subnets of their network. */
function strayIn(intent: Intent): string[] {
  const subnets = new Map<string, readonly Pick<Subnet, 'cidr'>[]>(
    [...intent.networks.values(), ...intent.externalNetworks.values()].map((one) => [one.name, one.subnets]),
  );
  return addressesOf(intent).flatMap(({ ip, network, owner }) =>
    subnets.get(network)?.some(({ cidr }) => contains(cidr, ip)) === true
      ? []
      : [`${owner} has ${ip}, which is in no subnet of ${network}`],
  );
}

/** Everything has a record, and every record is of something. */
function unrecordedIn(intent: Intent): string[] {
  const places = new Set(
    spacesOf(intent).flatMap(({ kind, entries }) => [...entries.keys()].map((key) => placeOf(kind, key))),
  );
  return [
    ...[...places].filter((place) => !intent.records.has(place)).map((place) => `${place} has no record`),
    ...[...intent.records.keys()].filter((place) => !places.has(place)).map((place) => `${place} is recorded, and gone`),
  ];
}
