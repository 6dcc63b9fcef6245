/** Ports that clients make: addresses and a MAC in a tenant network, bound to a node. */
import type { IpAddress, MacAddress } from '../../model/addresses.js';
import { fixedIpOf } from '../../model/external-ip.js';
import { MAX_PORTS } from '../../model/limits.js';
import type { AllowedAddressPair, Binding, Network, Port, Router } from '../../model/resources.js';
import type { Update } from '../api/attributes/tables.js';
import { invalidInput, NeutronFault } from '../api/faults.js';
import type { AddressPair } from '../api/values.js';
import { macPool } from '../gateway-macs.js';
import { withEntry, withoutEntry, type Intent } from '../intent.js';
import { ipPool, refuseRouterIps } from '../port-commands.js';
import { withRecord, type ResourceRecord } from '../records.js';
import { adminState } from './networks.js';
import { handleFor, networkById } from './places.js';
import { portIps } from './port-addresses.js';
import { asProfileSays, finishedOn } from './port-migration.js';
import { storedOf, wishOf, type Changes } from './resource.js';

/** What is kept for clients and changes no packet. */
export const keptOfPort = ['device_id', 'device_owner', 'binding:vnic_type', 'binding:profile'] as const;

export const portChanges: Changes<'ports'> = {
  create: (intent, values, { id, at }) => {
    const { record: home, network, external } = networkById(intent, values.network_id);
    if (external)
      throw invalidInput(
        `network ${home.id} is external: its addresses are for routers' gateways and floating IPs, not ` +
          'for ports',
      );
    if (intent.ports.size >= MAX_PORTS)
      throw new NeutronFault(
        'Conflict',
        `there are ${MAX_PORTS} ports, which is all the fast path has room for`,
      );
    const name = handleFor(values.name, id, (taken) => intent.ports.has(taken));
    const mac = macFor(intent, name, values.mac_address ?? undefined);
    const pairs = pairsOf(values.allowed_address_pairs);
    const portSecurity = values.port_security_enabled ?? storedOf(home, 'port_security_enabled', true);
    refusePairsWithoutSecurity(pairs, portSecurity);
    refuseRouterIps(intent, network, name, pairs);
    const ips = portIps(intent, network, values.fixed_ips, { name, mac, ips: [] }, ipPool(intent, network));
    const binding = bindingOf(intent, values['binding:host_id'] ?? '');
    const port: Port = {
      name,
      network: network.name,
      mac,
      ips,
      allowedAddressPairs: pairs,
      portSecurity,
      madeBy: 'api',
      ...adminState(values.admin_state_up),
      ...(binding === undefined ? {} : { binding }),
    };
    const next = { ...intent, ports: withEntry(intent.ports, name, port) };
    return withRecord(next, { kind: 'port', key: name }, wishOf(undefined, values, keptOfPort), at, id);
  },
  update: (intent, record, values, at) => {
    const port = intent.ports.get(record.key);
    if (port === undefined) return updateServicePort(intent, record, values, at);
    const network = intent.networks.get(port.network);
    if (network === undefined) throw new Error(`port ${port.name} has no network`);
    const changed = changedPort(intent, port, network, values);
    const next = withoutLostAddresses(
      { ...intent, ports: withEntry(intent.ports, port.name, changed) },
      changed,
    );
    return withRecord(next, record, wishOf(record, values, keptOfPort), at);
  },
  remove: (intent, record) => {
    const port = intent.ports.get(record.key);
    if (port === undefined)
      throw new NeutronFault(
        'ServicePortInUse',
        `Port ${record.id} cannot be deleted directly via the port API: it belongs to a router or a ` +
          'floating IP.',
      );
    return withoutLostAddresses(
      { ...intent, ports: withoutEntry(intent.ports, port.name) },
      { name: port.name, ips: [] },
    );
  },
};

function changedPort(intent: Intent, port: Port, network: Network, values: Update<'ports'>): Port {
  const wantedMac = values.mac_address ?? port.mac;
  if (wantedMac !== port.mac && port.binding !== undefined)
    throw new NeutronFault(
      'PortBound',
      `Unable to complete operation on port ${port.name}, port is already bound, port type: ovs, ` +
        `old_mac ${port.mac}, new_mac ${wantedMac}.`,
    );
  const mac = wantedMac === port.mac ? port.mac : macFor(intent, port.name, wantedMac);
  const pairs =
    values.allowed_address_pairs === undefined
      ? port.allowedAddressPairs
      : pairsOf(values.allowed_address_pairs);
  const portSecurity = values.port_security_enabled ?? port.portSecurity;
  refusePairsWithoutSecurity(pairs, portSecurity);
  refuseRouterIps(intent, network, port.name, pairs);
  const needsIps = values.fixed_ips !== undefined || mac !== port.mac;
  const kept = port.ips.map((ip) => ({ ip_address: ip }));
  const ips = needsIps
    ? portIps(intent, network, values.fixed_ips ?? kept, port, ipPool(intent, network, port.name))
    : port.ips;
  const { binding, adminDown: _down, ...rest } = port;
  const bound =
    values['binding:host_id'] === undefined
      ? binding
      : reboundTo(intent, port, values['binding:host_id'] ?? '');
  const changed: Port = {
    ...rest,
    mac,
    ips,
    allowedAddressPairs: pairs,
    portSecurity,
    ...adminState(values.admin_state_up, port),
    ...(bound === undefined ? {} : { binding: bound }),
  };
  return asProfileSays(intent, changed, values['binding:profile']);
}

/** What belongs to a router or a floating IP is changed there; a client may describe it all the same. */
function updateServicePort(
  intent: Intent,
  record: ResourceRecord,
  values: Update<'ports'>,
  at: string,
): Intent {
  const other = Object.keys(values).find((key) => key !== 'name' && key !== 'description');
  if (other !== undefined)
    throw new NeutronFault(
      'BadRequest',
      `Bad port request: ${other} of port ${record.id} is its router's or floating IP's to say.`,
    );
  return withRecord(intent, record, wishOf(record, values, []), at);
}

/** @throws NeutronFault MacAddressInUse */
function macFor(intent: Intent, name: string, wish: MacAddress | undefined): MacAddress {
  const macs = macPool(intent);
  if (wish === undefined) return macs.allocate(`port ${name}`);
  if (macs.isFree(wish, `port ${name}`)) return wish;
  throw new NeutronFault(
    'MacAddressInUse',
    `Unable to complete operation. The mac address ${wish} is in use.`,
  );
}

const pairsOf = (pairs: readonly AddressPair[]): readonly AllowedAddressPair[] =>
  pairs.map(({ ip_address: ip, mac_address: mac }) => ({ ip, ...(mac === undefined ? {} : { mac }) }));

function refusePairsWithoutSecurity(pairs: readonly AllowedAddressPair[], portSecurity: boolean): void {
  if (pairs.length > 0 && !portSecurity)
    throw new NeutronFault(
      'AddressPairAndPortSecurityRequired',
      'Port Security must be enabled in order to have allowed address pairs on a port.',
    );
}

function bindingOf(intent: Intent, host: string): Binding | undefined {
  if (host === '') return undefined;
  const node = intent.nodes.get(host);
  if (node === undefined)
    throw invalidInput(
      `binding:host_id: there is no node '${host}'; there are ` +
        `${[...intent.nodes.keys()].slice(0, 10).join(', ')}`,
    );
  return { node: node.name, boundAt: intent.generation + 1 };
}

function reboundTo(intent: Intent, port: Port, host: string): Binding | undefined {
  if (port.binding?.node === host) return port.binding;
  const finished = finishedOn(intent, port, host);
  if (finished !== undefined) return finished;
  if (host !== '' && port.binding?.attachment !== undefined)
    throw new NeutronFault(
      'PortBound',
      `port ${port.name} is plugged in on ${port.binding.node}; detach it there first: ` +
        `dvr port detach ${port.name}`,
    );
  return bindingOf(intent, host);
}

/** Floating IPs and forwarded ports let go of an address that the port has no more. */
export function withoutLostAddresses(intent: Intent, { name, ips }: Pick<Port, 'name' | 'ips'>): Intent {
  const has = (fixedIp: IpAddress | undefined): boolean => fixedIpOf(ips, fixedIp) !== undefined;
  const lost = [...intent.floatingIps].filter(([, one]) => one.port === name && !has(one.fixedIp));
  const floatingIps = new Map(intent.floatingIps);
  for (const [key, { port: _port, fixedIp: _fixedIp, ...free }] of lost) floatingIps.set(key, free);
  const cut = [...intent.routers].flatMap(([id, router]): [string, Router][] => {
    const left = router.portForwardings.filter((one) => one.port !== name || has(one.fixedIp));
    return left.length < router.portForwardings.length ? [[id, { ...router, portForwardings: left }]] : [];
  });
  return {
    ...intent,
    floatingIps: lost.length === 0 ? intent.floatingIps : floatingIps,
    routers: cut.length === 0 ? intent.routers : new Map([...intent.routers, ...cut]),
  };
}
