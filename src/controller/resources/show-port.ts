/** Ports as clients see them: those that they made, and those of routers, gateways and floating IPs. */
import { withoutPrefix, type IpAddress } from '../../model/addresses.js';
import { gatewayPortName, routerPortName, snatPortName } from '../../model/device-names.js';
import { remembered } from '../../model/remembered.js';
import type { Port } from '../../model/resources.js';
import type { Json } from '../api/attribute.js';
import type { Shown } from '../api/collection.js';
import { floatingIpKey } from '../gateway-names.js';
import type { ControllerState, Intent } from '../intent.js';
import { recordOf, type ResourceRecord } from '../records.js';
import { agentKey, fgPortName, floatingPortName } from '../resource-index.js';
import { idOf, networkOfRecord } from './places.js';
import { fixedIpsOf } from './port-addresses.js';
import { commonOf, storedOf } from './resource.js';

/** Undefined where what it was made of has gone in the meantime. */
export function showPort(state: ControllerState, record: ResourceRecord): Shown<'ports'> | undefined {
  const port = state.intent.ports.get(record.key);
  if (port !== undefined) return clientPort(state, port, record);
  const service = servicePorts(state.intent).get(record.key);
  return service && servicePort(state.intent, service, record);
}

function clientPort(
  { intent, reports }: ControllerState,
  port: Port,
  record: ResourceRecord,
): Shown<'ports'> {
  const node = port.binding?.node;
  const report =
    node === undefined ? undefined : reports.get(node)?.ports.find(({ name }) => name === port.name);
  const isActive = report?.state === 'up' && port.adminDown !== true;
  return {
    ...portBase(intent, record, port.network, port.mac, port.ips),
    admin_state_up: port.adminDown !== true,
    device_id: storedOf(record, 'device_id', ''),
    device_owner: storedOf(record, 'device_owner', ''),
    port_security_enabled: port.portSecurity,
    allowed_address_pairs: port.allowedAddressPairs.map(({ ip, mac }) => ({
      ip_address: ip,
      mac_address: mac ?? port.mac,
    })),
    'binding:host_id': node ?? '',
    'binding:vnic_type': storedOf(record, 'binding:vnic_type', 'normal'),
    'binding:profile': storedOf(record, 'binding:profile', {}),
    'binding:vif_type': node === undefined ? 'unbound' : 'ovs',
    'binding:vif_details': node === undefined ? {} : vifDetails,
    status: report?.state === 'error' ? 'ERROR' : isActive ? 'ACTIVE' : 'DOWN',
  };
}

/** What Neutron's own agent would say, since clients that look at it know nothing else. */
const vifDetails = {
  connectivity: 'l2',
  port_filter: true,
  ovs_hybrid_plug: false,
  datapath_type: 'system',
  bridge_name: 'br-int',
} as const;

interface ServicePort {
  readonly network: string;
  readonly mac: string;
  readonly ips: readonly IpAddress[];
  readonly owner: string;
  readonly deviceId: string;
  readonly host: string;
  readonly vifType: string;
  readonly status: string;
}

function servicePort(intent: Intent, port: ServicePort, record: ResourceRecord): Shown<'ports'> {
  return {
    ...portBase(intent, record, port.network, port.mac, port.ips),
    admin_state_up: true,
    device_id: port.deviceId,
    device_owner: port.owner,
    port_security_enabled: false,
    allowed_address_pairs: [],
    'binding:host_id': port.host,
    'binding:vnic_type': 'normal',
    'binding:profile': {},
    'binding:vif_type': port.vifType,
    'binding:vif_details': {},
    status: port.status,
  };
}

function portBase(
  intent: Intent,
  record: ResourceRecord,
  network: string,
  mac: string,
  ips: readonly IpAddress[],
) {
  const home = recordOf(intent, 'network', network);
  return {
    ...commonOf(record),
    network_id: home?.id ?? '',
    mac_address: mac,
    fixed_ips: home === undefined ? [] : fixedIpsOf(intent, networkOfRecord(intent, home), ips),
    security_groups: [] as readonly Json[],
    extra_dhcp_opts: [] as readonly Json[],
  };
}

const servicePorts = remembered(
  (intent: Intent): ReadonlyMap<string, ServicePort> => new Map([...routerPorts(intent), ...outsidePorts(intent)]),
);

function* routerPorts(intent: Intent): Iterable<[string, ServicePort]> {
  for (const { id, interfaces } of intent.routers.values()) {
    for (const { network, mac, addresses } of interfaces)
      yield [
        routerPortName(id, network),
        {
          network,
          mac,
          ips: addresses.map(withoutPrefix),
          owner: 'network:router_interface_distributed',
          deviceId: idOf(intent, 'router', id),
          host: '',
          vifType: 'distributed',
          status: 'ACTIVE',
        },
      ];
  }
}

function* outsidePorts(intent: Intent): Iterable<[string, ServicePort]> {
  for (const { router, network, node, mac, addresses, snatPorts } of intent.gateways.values()) {
    const place = {
      deviceId: idOf(intent, 'router', router),
      host: node ?? '',
      vifType: node === undefined ? 'unbound' : 'ovs',
      status: node === undefined ? 'DOWN' : 'ACTIVE',
    };
    yield [
      gatewayPortName(router),
      { ...place, network, mac, ips: addresses.map(withoutPrefix), owner: 'network:router_gateway' },
    ];
    for (const port of snatPorts)
      yield [
        snatPortName(router, port.network),
        {
          ...place,
          network: port.network,
          mac: port.mac,
          ips: port.addresses.map(withoutPrefix),
          owner: 'network:router_centralized_snat',
        },
      ];
  }
  for (const { network, node, mac, addresses } of intent.fgPorts.values())
    yield [
      fgPortName(network, node),
      {
        network,
        mac,
        ips: addresses.map(withoutPrefix),
        owner: 'network:floatingip_agent_gateway',
        deviceId: idOf(intent, 'agent', agentKey('l3', node)),
        host: node,
        vifType: 'ovs',
        status: 'ACTIVE',
      },
    ];
  for (const { network, ip } of intent.floatingIps.values()) {
    const key = floatingIpKey({ network, ip });
    yield [
      floatingPortName(key),
      {
        network,
        mac: '',
        ips: [ip],
        owner: 'network:floatingip',
        deviceId: idOf(intent, 'floatingip', key),
        host: '',
        vifType: 'unbound',
        status: 'N/A',
      },
    ];
  }
}
