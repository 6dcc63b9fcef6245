/**
 * A router's interfaces: added and taken away by subnet or by port. A router has one interface in a network, with
 * an address in each of its subnets there: a second subnet joins the first one's port.
 */
import {
  contains,
  familyOf,
  overlaps,
  prefixAround,
  withPrefix,
  type Cidr,
  type InterfaceAddress,
  type MacAddress,
} from '../../model/addresses.js';
import { routerPortName } from '../../model/device-names.js';
import { MAX_INTERFACES_PER_ROUTER } from '../../model/limits.js';
import { reachOf } from '../../model/reach.js';
import type { Port, Router, RouterInterface } from '../../model/resources.js';
import { routerIpsOf } from '../../model/topology-routers.js';
import { NeutronFault } from '../api/faults.js';
import type { InterfaceTarget } from '../api/writes.js';
import { macPool } from '../gateway-macs.js';
import { withEntry, withoutEntry, type Intent } from '../intent.js';
import { ipPool } from '../port-commands.js';
import { withRecord, withRecordMoved, type ResourceRecord } from '../records.js';
import { idOf, requireRecord, subnetById } from './places.js';
import { refuseLostHops, refuseOverlap, routerOfRecord } from './routers.js';

const bad = (why: string): NeutronFault => new NeutronFault('BadRequest', `Bad router request: ${why}.`);

/** What is added: addresses of one network, and the MAC and name of the port that brings them. */
interface Joining {
  readonly network: Router['interfaces'][number]['network'];
  readonly addresses: readonly InterfaceAddress[];
  readonly port?: Port;
}

/** @throws NeutronFault */
export function addInterface(
  intent: Intent,
  record: ResourceRecord,
  target: InterfaceTarget,
  newId: string,
  at: string,
): Intent {
  const router = routerOfRecord(intent, record);
  const joining =
    'subnetId' in target ? bySubnet(intent, router, target.subnetId) : byPort(intent, record, target.portId);
  const known = router.interfaces.find(({ network }) => network === joining.network);
  if (known !== undefined && joining.port !== undefined)
    throw bad(
      `Router already has a port on network ${idOf(intent, 'network', joining.network)}; add its ` +
        'subnets to that',
    );
  if (known === undefined && router.interfaces.length >= MAX_INTERFACES_PER_ROUTER)
    throw bad(`a router has at most ${MAX_INTERFACES_PER_ROUTER} interfaces`);
  refuseOverlaps(intent, router, joining);
  const freed =
    joining.port === undefined ? intent : { ...intent, ports: withoutEntry(intent.ports, joining.port.name) };
  const key = routerPortName(router.id, joining.network);
  const joined: RouterInterface = {
    network: joining.network,
    addresses: [...(known?.addresses ?? []), ...joining.addresses],
    mac: known?.mac ?? joining.port?.mac ?? newMac(intent, router, joining.network),
  };
  const interfaces =
    known === undefined
      ? [...router.interfaces, joined]
      : router.interfaces.map((one) => (one === known ? joined : one));
  const changed = { ...router, interfaces };
  const outside = router.gateway && intent.externalNetworks.get(router.gateway.network);
  if (outside !== undefined) refuseOverlap(outside, changed);
  const next = { ...freed, routers: withEntry(freed.routers, router.id, changed) };
  if (known !== undefined) return next;
  return joining.port === undefined
    ? withRecord(next, { kind: 'port', key }, { name: '', projectId: record.projectId }, at, newId)
    : // The port that was made beforehand keeps its UUID and its name.
      withRecordMoved(next, { kind: 'port', key: joining.port.name }, key, at);
}

/** @throws NeutronFault */
export function removeInterface(intent: Intent, record: ResourceRecord, target: InterfaceTarget): Intent {
  const router = routerOfRecord(intent, record);
  const { network, addresses } = leaving(intent, record, router, target);
  const known = router.interfaces.find((one) => one.network === network);
  if (known === undefined) throw new Error(`router ${router.id} has no interface in ${network}`);
  const left = known.addresses.filter((address) => !addresses.includes(address));
  const interfaces =
    left.length === 0
      ? router.interfaces.filter((one) => one !== known)
      : router.interfaces.map((one) => (one === known ? { ...known, addresses: left } : one));
  const changed = { ...router, interfaces };
  refuseLostRoutes(intent, record, changed, addresses);
  const next = { ...intent, routers: withEntry(intent.routers, router.id, changed) };
  refuseLostFloatingIps(intent, next, record, addresses);
  return next;
}

function bySubnet(intent: Intent, router: Router, id: string): Joining {
  const { home, subnet } = subnetById(intent, id);
  if (home.external) throw bad(`subnet ${id} is of an external network; make it the router's gateway`);
  const { gatewayIp, cidr } = subnet;
  if (gatewayIp === undefined) throw bad('Subnet for router interface must have a gateway IP');
  refuseTwice(router, home.network.name, cidr, id);
  const pool = ipPool(intent, home.network);
  if (pool.ownerOf(gatewayIp) !== undefined || routerIpsOf([...intent.routers.values()], home.network.name).has(gatewayIp))
    throw new NeutronFault(
      'IpAddressAlreadyAllocated',
      `IP address ${gatewayIp} already allocated in subnet ${id}`,
    );
  return { network: home.network.name, addresses: [withPrefix(gatewayIp, cidr)] };
}

function byPort(intent: Intent, record: ResourceRecord, id: string): Joining {
  const { key, stored } = requireRecord(intent, 'port', id);
  const port = intent.ports.get(key);
  const deviceId = typeof stored['device_id'] === 'string' ? stored['device_id'] : '';
  if (port === undefined || deviceId !== '' || port.binding !== undefined)
    throw new NeutronFault(
      'PortInUse',
      `Unable to complete operation on port ${id} for network ` +
        `${port === undefined ? '' : idOf(intent, 'network', port.network)}. Port already has an ` +
        `attached device ${deviceId || (port?.binding?.node ?? 'of a router')}.`,
    );
  const network = intent.networks.get(port.network);
  const router = routerOfRecord(intent, record);
  if (network === undefined || port.ips.length === 0)
    throw bad('Router port must have at least one fixed IP');
  const addresses = port.ips.map((ip) => {
    const subnet = network.subnets.find(({ cidr }) => contains(cidr, ip));
    if (subnet === undefined) throw bad(`${ip} is in no subnet`);
    refuseTwice(router, network.name, subnet.cidr, subnet.cidr);
    return withPrefix(ip, subnet.cidr);
  });
  return { network: port.network, addresses, port };
}

function leaving(
  intent: Intent,
  record: ResourceRecord,
  router: Router,
  target: InterfaceTarget,
): Pick<RouterInterface, 'network' | 'addresses'> {
  if ('portId' in target) {
    const port = requireRecord(intent, 'port', target.portId);
    const known = router.interfaces.find(({ network }) => routerPortName(router.id, network) === port.key);
    if (known !== undefined) return known;
    throw new NeutronFault(
      'RouterInterfaceNotFound',
      `Router ${record.id} does not have an interface with id ${target.portId}`,
    );
  }
  const { home, subnet } = subnetById(intent, target.subnetId);
  const known = router.interfaces.find(({ network }) => network === home.network.name);
  const addresses = known?.addresses.filter((address) => prefixAround(address) === subnet.cidr) ?? [];
  if (known === undefined || addresses.length === 0)
    throw new NeutronFault(
      'RouterInterfaceNotFoundForSubnet',
      `Router ${record.id} has no interface on subnet ${target.subnetId}`,
    );
  return { network: known.network, addresses };
}

function newMac(intent: Intent, router: Router, network: string): MacAddress {
  return macPool(intent).allocate(`router ${router.id} in network ${network}`);
}

function refuseTwice(router: Router, network: string, cidr: Cidr, subnet: string): void {
  const has = router.interfaces.some(
    (one) => one.network === network && one.addresses.some((address) => prefixAround(address) === cidr),
  );
  if (has) throw bad(`Router already has a port on subnet ${subnet}`);
}

/** A router cannot tell two networks with the same addresses apart. */
function refuseOverlaps(intent: Intent, router: Router, { network, addresses }: Joining): void {
  for (const address of addresses)
    for (const other of router.interfaces)
      for (const taken of other.addresses)
        if (other.network !== network && overlaps(prefixAround(address), prefixAround(taken)))
          throw bad(
            `Cidr ${prefixAround(address)} of subnet ${idOf(intent, 'subnet', `${network}/${prefixAround(address)}`)} overlaps with cidr ` +
              `${prefixAround(taken)} of subnet ` +
                `${idOf(intent, 'subnet', `${other.network}/${prefixAround(taken)}`)}`,
          );
}

function refuseLostRoutes(
  intent: Intent,
  { id }: ResourceRecord,
  router: Router,
  gone: readonly InterfaceAddress[],
): void {
  const lost = router.routes.find(({ via }) => gone.some((address) => contains(prefixAround(address), via)));
  if (lost === undefined) return;
  try {
    refuseLostHops(intent, router, [lost]);
  } catch {
    throw new NeutronFault(
      'RouterInterfaceInUseByRoute',
      `Router interface for subnet ${gone.map(prefixAround).join(', ')} on router ${id} cannot be ` +
        'deleted, as it is required by one or more routes.',
    );
  }
}

/** A floating IP or forwarded port whose way to its port would be gone. */
function refuseLostFloatingIps(
  before: Intent,
  after: Intent,
  { id, key }: ResourceRecord,
  gone: readonly InterfaceAddress[],
): void {
  const [had, has] = [reachOf(before.routers.values()), reachOf(after.routers.values())];
  const lost = [...before.floatingIps.values()].some((one) => {
    const port = one.port === undefined ? undefined : before.ports.get(one.port);
    if (port === undefined) return false;
    const fixedIp = one.fixedIp ?? port.ips.find((ip) => familyOf(ip) === 4);
    const to = { network: port.network, subnets: before.networks.get(port.network)?.subnets ?? [], fixedIp };
    return had(one.network, to) !== undefined && has(one.network, to) === undefined;
  });
  const forwarded = after.routers.get(key)?.portForwardings ?? [];
  const cut = forwarded.some(({ port }) =>
    before.ports.get(port)?.ips.some((ip) => gone.some((address) => contains(prefixAround(address), ip))),
  );
  if (lost || cut)
    throw new NeutronFault(
      'RouterInterfaceInUseByFloatingIP',
      `Router interface for subnet ${gone.map(prefixAround).join(', ')} on router ${id} cannot be ` +
        'deleted, as it is required by one or more floating IPs.',
    );
}
