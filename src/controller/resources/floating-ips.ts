/** Floating IPs: addresses of an external network, each a port's of its own or kept for later. */
import { familyOf, type IpAddress } from '../../model/addresses.js';
import { fixedIpOf, subnetOf, whyNotExternalIp } from '../../model/external-ip.js';
import { MAX_FLOATING_IPS } from '../../model/limits.js';
import { reachOf } from '../../model/reach.js';
import type { ExternalNetworkIntent, FloatingIp, Port } from '../../model/resources.js';
import type { Update } from '../api/attributes/tables.js';
import type { Shown } from '../api/collection.js';
import { NeutronFault } from '../api/faults.js';
import { externalPoolWithAll } from '../external-pools.js';
import { placedFloatingIps } from '../floating-ips.js';
import { floatingIpKey } from '../gateway-names.js';
import { withEntry, withoutEntry, type ControllerState, type Intent } from '../intent.js';
import { forwardingRouter } from '../port-forwardings.js';
import { recordOf, withRecord, type ResourceRecord } from '../records.js';
import { idOf, networkById, requireRecord, subnetById } from './places.js';
import { commonOf, wishOf, type Changes } from './resource.js';
import { showPort } from './show-port.js';

const bad = (why: string): NeutronFault => new NeutronFault('BadRequest', `Bad floatingip request: ${why}.`);

export const floatingIpChanges: Changes<'floatingips'> = {
  create: (intent, values, { id, at }) => {
    if (intent.floatingIps.size >= MAX_FLOATING_IPS)
      throw new NeutronFault(
        'Conflict',
        `there are ${MAX_FLOATING_IPS} floating IPs, which is all there is room for`,
      );
    const { record: home, network, external } = networkById(intent, values.floating_network_id);
    if (!external) throw bad(`Network ${home.id} is not a valid external network`);
    const ip = addressOf(intent, network, values.floating_ip_address, values.subnet_id);
    const free: FloatingIp = { ip, network: network.name, placement: values['dvr:placement'] };
    const target =
      values.port_id === null ? {} : targetOf(intent, free, values.port_id, values.fixed_ip_address);
    if (values.port_id === null && values.fixed_ip_address !== null)
      throw bad('Cannot specify fixed_ip_address without port_id');
    const key = floatingIpKey(free);
    const next = { ...intent, floatingIps: withEntry(intent.floatingIps, key, { ...free, ...target }) };
    return withRecord(next, { kind: 'floatingip', key }, wishOf(undefined, values, []), at, id);
  },
  update: (intent, record, values, at) => {
    const { port, fixedIp, ...free } = floatingIpOf(intent, record);
    const placed = { ...free, placement: values['dvr:placement'] ?? free.placement };
    const target = changedTarget(intent, { ...placed, ...(port === undefined ? {} : { port }) }, values, {
      ...(port === undefined ? {} : { port }),
      ...(fixedIp === undefined ? {} : { fixedIp }),
    });
    const next = {
      ...intent,
      floatingIps: withEntry(intent.floatingIps, record.key, { ...placed, ...target }),
    };
    return withRecord(next, record, wishOf(record, values, []), at);
  },
  remove: (intent, record) => {
    const floatingIp = floatingIpOf(intent, record);
    const router = forwardingRouter(intent, floatingIp);
    const floatingIps = withoutEntry(intent.floatingIps, record.key);
    if (router === undefined) return { ...intent, floatingIps };
    const portForwardings = router.portForwardings.filter((one) => one.floatingIp !== floatingIp.ip);
    return {
      ...intent,
      floatingIps,
      routers: withEntry(intent.routers, router.id, { ...router, portForwardings }),
    };
  },
};

export function floatingIpOf(intent: Intent, record: ResourceRecord): FloatingIp {
  const floatingIp = intent.floatingIps.get(record.key);
  if (floatingIp === undefined)
    throw new NeutronFault('FloatingIPNotFound', `Floating IP ${record.id} could not be found`);
  return floatingIp;
}

export function showFloatingIp(state: ControllerState, record: ResourceRecord): Shown<'floatingips'> {
  const { intent } = state;
  const { ip, network, port, fixedIp, placement } = floatingIpOf(intent, record);
  const { name: _name, ...common } = commonOf(record);
  const portRecord = port === undefined ? undefined : recordOf(intent, 'port', port);
  const placed = placedFloatingIps(intent).byKey.get(record.key);
  const router = placed?.router ?? forwardingRouter(intent, { ip, network, placement })?.id;
  const details = portRecord && showPort(state, portRecord);
  return {
    ...common,
    floating_network_id: idOf(intent, 'network', network),
    floating_ip_address: ip,
    port_id: portRecord?.id ?? null,
    fixed_ip_address: portRecord === undefined ? null : (placed?.view.fixedIp ?? fixedIp ?? null),
    router_id: router === undefined ? null : idOf(intent, 'router', router),
    status: router !== undefined && placed?.node !== undefined ? 'ACTIVE' : 'DOWN',
    port_details:
      details === undefined
        ? null
        : {
            name: details.name,
            network_id: details.network_id,
            mac_address: details.mac_address,
            admin_state_up: details.admin_state_up,
            status: details.status,
            device_id: details.device_id,
            device_owner: details.device_owner,
          },
    'dvr:placement': placement,
  };
}

function addressOf(
  intent: Intent,
  network: ExternalNetworkIntent,
  wish: IpAddress | null,
  subnetId: string | null,
): IpAddress {
  if (!network.subnets.some(({ cidr }) => familyOf(cidr) === 4))
    throw bad(`Network ${idOf(intent, 'network', network.name)} does not contain any IPv4 subnet`);
  const subnet = subnetId === null ? undefined : subnetById(intent, subnetId).subnet;
  if (subnet !== undefined && !network.subnets.includes(subnet))
    throw bad(`subnet ${subnetId} is not of network ${idOf(intent, 'network', network.name)}`);
  const pool = externalPoolWithAll(intent, subnet === undefined ? network : { ...network, subnets: [subnet] });
  if (wish === null) return pool.allocate(4, 'a floating IP');
  const why = whyNotExternalIp(wish, network);
  if (familyOf(wish) !== 4 || why !== undefined)
    throw new NeutronFault(
      'InvalidIpForNetwork',
      `IP address ${wish} is not a valid IP for any of the subnets on the specified network.`,
    );
  if (subnet !== undefined && subnetOf({ name: network.name, subnets: [subnet] }, wish) === undefined)
    throw new NeutronFault(
      'InvalidIpForSubnet',
      `IP address ${wish} is not a valid IP for the specified subnet.`,
    );
  if (!pool.isFree(wish, 'a floating IP'))
    throw new NeutronFault(
      'IpAddressAlreadyAllocated',
      `IP address ${wish} already allocated in network ${idOf(intent, 'network', network.name)}`,
    );
  return wish;
}

type Target = Pick<FloatingIp, 'port' | 'fixedIp'>;

/** A request that says neither port nor address leaves both; an empty one takes both away (attributes/floating-ips.ts). */
function changedTarget(
  intent: Intent,
  floatingIp: FloatingIp,
  values: Update<'floatingips'>,
  before: Target,
): Target {
  const { port_id: portId, fixed_ip_address: fixedIp } = values;
  if (portId === undefined) {
    if (fixedIp !== undefined && fixedIp !== null)
      throw bad('fixed_ip_address cannot be changed without port_id');
    return before;
  }
  return portId === null ? {} : targetOf(intent, floatingIp, portId, fixedIp ?? null);
}

/** @throws NeutronFault */
function targetOf(intent: Intent, floatingIp: FloatingIp, portId: string, wish: IpAddress | null): Target {
  const record = requireRecord(intent, 'port', portId);
  const port = intent.ports.get(record.key);
  if (port === undefined) throw bad(`Port ${portId} is a router's, and cannot have a floating IP`);
  if (forwardingRouter(intent, floatingIp) !== undefined)
    throw new NeutronFault(
      'Conflict',
      `floating IP ${floatingIp.ip} has port forwardings; remove them first`,
    );
  const fixedIp = fixedIpFor(port, portId, wish);
  const taken = [...intent.floatingIps.values()].find(
    (one) =>
      one.network === floatingIp.network &&
      one.ip !== floatingIp.ip &&
      one.port === port.name &&
      fixedIpOf(port.ips, one.fixedIp) === fixedIp,
  );
  if (taken !== undefined)
    throw new NeutronFault(
      'FloatingIPPortAlreadyAssociated',
      `Cannot associate floating IP ${floatingIp.ip} with port ${portId} using fixed IP ${fixedIp}, as ` +
        'that fixed IP already has a floating IP on external network ' +
        `${idOf(intent, 'network', floatingIp.network)}.`,
    );
  requireReach(intent, floatingIp, port, fixedIp);
  return { port: port.name, fixedIp };
}

export function fixedIpFor({ ips }: Port, portId: string, wish: IpAddress | null): IpAddress {
  const candidates = ips.filter((ip) => familyOf(ip) === 4);
  const [first, second] = candidates;
  if (wish !== null) {
    if (candidates.includes(wish)) return wish;
    throw bad(`Port ${portId} does not have fixed ip ${wish}`);
  }
  if (first === undefined)
    throw bad(`Cannot add floating IP to port ${portId} that has no fixed IPv4 addresses`);
  if (second !== undefined)
    throw bad(
      `Port ${portId} has multiple fixed IPv4 addresses. Must provide a specific IPv4 address when ` +
        'assigning a floating IP',
    );
  return first;
}

/** The router that takes packets from the network to the port. @throws NeutronFault ExternalGatewayForFloatingIPNotFound */
export function requireReach(
  intent: Intent,
  { network }: Pick<FloatingIp, 'network'>,
  port: Port,
  fixedIp: IpAddress,
) {
  const subnets = intent.networks.get(port.network)?.subnets ?? [];
  const router = reachOf(intent.routers.values())(network, { network: port.network, subnets, fixedIp });
  if (router !== undefined) return router;
  const subnet = subnets.find(
    (one) => subnetOf({ name: port.network, subnets: [one] }, fixedIp) !== undefined,
  );
  throw new NeutronFault(
    'ExternalGatewayForFloatingIPNotFound',
    `External network ${idOf(intent, 'network', network)} is not reachable from subnet ` +
      `${subnet === undefined ? '' : idOf(intent, 'subnet', `${port.network}/${subnet.cidr}`)}.  ` +
      `Therefore, cannot associate Port ${idOf(intent, 'port', port.name)} with a Floating IP.`,
  );
}
