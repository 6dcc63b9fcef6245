/** Requests that are right in themselves, and cannot be done as things are: the code, Neutron's type, and nothing changed. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { RealApi, Resource } from './real-api.js';
import { seedByApi } from './seed.js';

type Method = 'POST' | 'PUT' | 'DELETE';
type Case = readonly [why: string, method: Method, path: string, body: object | undefined, status: number, type: string];

/** Names in paths and bodies stand for the UUIDs of what seedByApi and `prepare` made. */
const nobody = 'c0ffee00-0000-4000-8000-00000000000f';
const red = (fields: object): object => ({ subnet: { network_id: '{red}', ip_version: 4, ...fields } });
const red6 = (fields: object): object => red({ ...fields, ip_version: 6 });
const port = (fields: object): object => ({ port: { network_id: '{red}', ...fields } });
const floating = (fields: object): object => ({ floatingip: { floating_network_id: '{ext}', ...fields } });
const wire = { 'router:external': true, 'provider:physical_network': 'physnet1' };

const cases: readonly Case[] = [
  ['a VNI that is taken', 'POST', '/networks', { network: { 'provider:segmentation_id': 101 } }, 409, 'TunnelIdInUse'],
  ['a VNI of 0', 'POST', '/networks', { network: { 'provider:segmentation_id': 0 } }, 400, 'HTTPBadRequest'],
  ['a tenant network on a wire', 'POST', '/networks', { network: { 'provider:network_type': 'vlan' } }, 400, 'InvalidInput'],
  ['an external network without a wire', 'POST', '/networks', { network: { 'router:external': true } }, 400, 'InvalidInput'],
  ['an external network on a wire nobody has', 'POST', '/networks',
    { network: { ...wire, 'provider:network_type': 'flat', 'provider:physical_network': 'physnet9' } }, 400, 'InvalidInput'],
  ['a provider VLAN that is taken', 'POST', '/networks',
    { network: { ...wire, 'provider:network_type': 'vlan', 'provider:segmentation_id': 500 } }, 409, 'VlanIdInUse'],
  ['an MTU above the underlay', 'POST', '/networks', { network: { mtu: 9000 } }, 400, 'InvalidInput'],
  ['an MTU below IPv4', 'POST', '/networks', { network: { mtu: 100 } }, 400, 'HTTPBadRequest'],
  ['a network that turns external', 'PUT', '/networks/{red}', { network: { 'router:external': true } }, 400, 'InvalidInput'],
  ['a network with ports', 'DELETE', '/networks/{red}', undefined, 409, 'NetworkInUse'],
  ['an external network with a gateway in it', 'DELETE', '/networks/{ext}', undefined, 409, 'NetworkInUse'],
  ['a network that is not there', 'DELETE', `/networks/${nobody}`, undefined, 404, 'NetworkNotFound'],

  ['a subnet of no network', 'POST', '/subnets',
    { subnet: { network_id: nobody, ip_version: 4, cidr: '10.3.0.0/24' } }, 404, 'NetworkNotFound'],
  ['a subnet without a prefix', 'POST', '/subnets', { subnet: { network_id: '{red}', ip_version: 4 } }, 400, 'BadRequest'],
  ['a subnet of another family', 'POST', '/subnets', red6({ cidr: '10.3.0.0/24' }), 400, 'InvalidInput'],
  ['a subnet that overlaps', 'POST', '/subnets', red({ cidr: '10.1.0.128/25' }), 400, 'InvalidInput'],
  ['a subnet too small', 'POST', '/subnets', red({ cidr: '10.3.0.0/31' }), 400, 'InvalidInput'],
  ['a subnet of multicast', 'POST', '/subnets', red({ cidr: '224.1.0.0/24' }), 400, 'InvalidInput'],
  ['a gateway outside', 'POST', '/subnets', red({ cidr: '10.3.0.0/24', gateway_ip: '10.4.0.1' }), 400, 'InvalidInput'],
  ['a gateway that is the broadcast address', 'POST', '/subnets',
    red({ cidr: '10.3.0.0/24', gateway_ip: '10.3.0.255' }), 400, 'InvalidInput'],
  ['a pool outside', 'POST', '/subnets',
    red({ cidr: '10.3.0.0/24', allocation_pools: [{ start: '10.4.0.2', end: '10.4.0.9' }] }), 400, 'OutOfBoundsAllocationPool'],
  ['a pool the wrong way round', 'POST', '/subnets',
    red({ cidr: '10.3.0.0/24', allocation_pools: [{ start: '10.3.0.9', end: '10.3.0.2' }] }), 400, 'InvalidAllocationPool'],
  ['pools that overlap', 'POST', '/subnets',
    red({ cidr: '10.3.0.0/24', allocation_pools: [{ start: '10.3.0.2', end: '10.3.0.9' }, { start: '10.3.0.5', end: '10.3.0.20' }] }), 409, 'OverlappingAllocationPools'],
  ['a gateway in a pool', 'POST', '/subnets',
    red({ cidr: '10.3.0.0/24', gateway_ip: '10.3.0.5', allocation_pools: [{ start: '10.3.0.2', end: '10.3.0.9' }] }), 409, 'GatewayConflictWithAllocationPools'],
  ['router advertisements of IPv4', 'POST', '/subnets', red({ cidr: '10.3.0.0/24', ipv6_ra_mode: 'slaac' }), 400, 'InvalidInput'],
  ['two modes at once', 'POST', '/subnets',
    red6({ cidr: 'fd00:3::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'dhcpv6-stateful' }), 400, 'InvalidInput'],
  ['slaac in a short prefix', 'POST', '/subnets',
    red6({ cidr: 'fd00:3::/80', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }), 400, 'InvalidInput'],
  ['another gateway while a router has it', 'PUT', '/subnets/{red4}', { subnet: { gateway_ip: '10.1.0.9' } }, 409, 'GatewayIpInUse'],
  ['a subnet with ports', 'DELETE', '/subnets/{red4}', undefined, 409, 'SubnetInUse'],

  ['a port of no network', 'POST', '/ports', { port: { network_id: nobody } }, 404, 'NetworkNotFound'],
  ['a port of an external network', 'POST', '/ports', { port: { network_id: '{ext}' } }, 400, 'InvalidInput'],
  ['an address that is taken', 'POST', '/ports', port({ fixed_ips: [{ ip_address: '10.1.0.11' }] }), 409, 'IpAddressAlreadyAllocated'],
  ['an address that is a router\'s', 'POST', '/ports',
    port({ fixed_ips: [{ ip_address: '10.1.0.1' }] }), 409, 'IpAddressAlreadyAllocated'],
  ['an address of no subnet', 'POST', '/ports', port({ fixed_ips: [{ ip_address: '10.9.0.11' }] }), 400, 'InvalidIpForNetwork'],
  ['an address of another subnet', 'POST', '/ports',
    port({ fixed_ips: [{ subnet_id: '{red4}', ip_address: '10.9.0.11' }] }), 400, 'InvalidIpForSubnet'],
  ['the broadcast address', 'POST', '/ports', port({ fixed_ips: [{ ip_address: '10.1.0.255' }] }), 400, 'InvalidIpForSubnet'],
  ['a subnet of another network', 'POST', '/ports', port({ fixed_ips: [{ subnet_id: '{green4}' }] }), 400, 'InvalidInput'],
  ['a MAC that is taken', 'POST', '/ports', port({ mac_address: '{mac1}' }), 409, 'MacAddressInUse'],
  ['a node that is not there', 'POST', '/ports', port({ 'binding:host_id': 'cn9' }), 400, 'InvalidInput'],
  ['address pairs without port security', 'POST', '/ports',
    port({ port_security_enabled: false, allowed_address_pairs: [{ ip_address: '10.1.0.200' }] }), 409, 'AddressPairAndPortSecurityRequired'],
  ['a pair with the gateway\'s address', 'POST', '/ports',
    port({ allowed_address_pairs: [{ ip_address: '10.1.0.1' }] }), 400, 'BadRequest'],
  ['another MAC while bound', 'PUT', '/ports/{vm1}', { port: { mac_address: 'fa:16:3e:aa:bb:cc' } }, 409, 'PortBound'],
  ['a router\'s port that is deleted', 'DELETE', '/ports/{qr}', undefined, 409, 'ServicePortInUse'],
  ['a router\'s port that gets another address', 'PUT', '/ports/{qr}', { port: { fixed_ips: [] } }, 400, 'BadRequest'],

  ['a router that is not distributed', 'POST', '/routers', { router: { distributed: false } }, 400, 'BadRequest'],
  ['a gateway in a tenant network', 'PUT', '/routers/{r1}',
    { router: { external_gateway_info: { network_id: '{red}' } } }, 400, 'BadRequest'],
  ['a gateway in no network', 'PUT', '/routers/{r1}',
    { router: { external_gateway_info: { network_id: nobody } } }, 404, 'NetworkNotFound'],
  ['a gateway address that is taken', 'POST', '/routers',
    { router: { external_gateway_info: { network_id: '{ext}', external_fixed_ips: [{ ip_address: '203.0.113.60' }] } } }, 409, 'IpAddressAlreadyAllocated'],
  ['a gateway address outside', 'POST', '/routers',
    { router: { external_gateway_info: { network_id: '{ext}', external_fixed_ips: [{ ip_address: '198.51.100.1' }] } } }, 400, 'InvalidIpForNetwork'],
  ['a gateway that floating IPs need', 'PUT', '/routers/{r1}',
    { router: { external_gateway_info: null } }, 409, 'RouterExternalGatewayInUseByFloatingIp'],
  ['a router with interfaces', 'DELETE', '/routers/{r1}', undefined, 409, 'RouterInUse'],
  ['the same subnet twice', 'PUT', '/routers/{r1}/add_router_interface', { subnet_id: '{red4}' }, 400, 'BadRequest'],
  ['a subnet whose gateway another router has', 'PUT', '/routers/{r2}/add_router_interface',
    { subnet_id: '{red4}' }, 409, 'IpAddressAlreadyAllocated'],
  ['a subnet that overlaps another of the router', 'PUT', '/routers/{r1}/add_router_interface',
    { subnet_id: '{overlap4}' }, 400, 'BadRequest'],
  ['a subnet without a gateway', 'PUT', '/routers/{r2}/add_router_interface', { subnet_id: '{lonely4}' }, 400, 'BadRequest'],
  ['an external subnet as an interface', 'PUT', '/routers/{r2}/add_router_interface', { subnet_id: '{ext4}' }, 400, 'BadRequest'],
  ['a port that is a VM\'s', 'PUT', '/routers/{r2}/add_router_interface', { port_id: '{vm1}' }, 409, 'PortInUse'],
  ['an interface that is not there, by subnet', 'PUT', '/routers/{r2}/remove_router_interface',
    { subnet_id: '{red4}' }, 404, 'RouterInterfaceNotFoundForSubnet'],
  ['an interface that is not there, by port', 'PUT', '/routers/{r2}/remove_router_interface',
    { port_id: '{vm1}' }, 404, 'RouterInterfaceNotFound'],
  ['an interface that floating IPs need', 'PUT', '/routers/{r1}/remove_router_interface',
    { subnet_id: '{red4}' }, 409, 'RouterInterfaceInUseByFloatingIP'],
  ['a route by nobody near', 'PUT', '/routers/{r1}',
    { router: { routes: [{ destination: '10.99.0.0/16', nexthop: '10.98.0.1' }] } }, 400, 'InvalidRoutes'],
  ['a route by the router itself', 'PUT', '/routers/{r1}',
    { router: { routes: [{ destination: '10.99.0.0/16', nexthop: '10.1.0.1' }] } }, 400, 'InvalidRoutes'],
  ['an interface that a route needs', 'PUT', '/routers/{r3}/remove_router_interface',
    { subnet_id: '{route4}' }, 409, 'RouterInterfaceInUseByRoute'],

  ['a floating IP of a tenant network', 'POST', '/floatingips', { floatingip: { floating_network_id: '{red}' } }, 400, 'BadRequest'],
  ['a floating IP outside', 'POST', '/floatingips', floating({ floating_ip_address: '198.51.100.7' }), 400, 'InvalidIpForNetwork'],
  ['a floating IP that is taken', 'POST', '/floatingips',
    floating({ floating_ip_address: '203.0.113.101' }), 409, 'IpAddressAlreadyAllocated'],
  ['a floating IP that is a gateway\'s', 'POST', '/floatingips',
    floating({ floating_ip_address: '203.0.113.60' }), 409, 'IpAddressAlreadyAllocated'],
  ['a second floating IP for one address', 'POST', '/floatingips',
    floating({ port_id: '{vm1}' }), 409, 'FloatingIPPortAlreadyAssociated'],
  ['a floating IP for a port no router reaches', 'POST', '/floatingips',
    floating({ port_id: '{alone}' }), 404, 'ExternalGatewayForFloatingIPNotFound'],
  ['a floating IP for another address than the port has', 'POST', '/floatingips',
    floating({ port_id: '{vm3}', fixed_ip_address: '10.1.0.99' }), 400, 'BadRequest'],
  ['a floating IP for a port without an address', 'POST', '/floatingips', floating({ port_id: '{bare}' }), 400, 'BadRequest'],
  ['an address without a port', 'POST', '/floatingips', floating({ fixed_ip_address: '10.1.0.11' }), 400, 'BadRequest'],
  ['a port forwarding of a floating IP that is a port\'s', 'POST', '/floatingips/{fip1}/port_forwardings',
    { port_forwarding: { protocol: 'tcp', external_port: 80, internal_port: 80, internal_port_id: '{vm3}' } }, 409, 'Conflict'],
];

let api: RealApi;
const ids = new Map<string, string>();

async function prepare(): Promise<void> {
  const seed = await seedByApi();
  api = seed.api;
  const note = (name: string, { id }: Resource): void => { ids.set(name, id); };
  for (const [name, network] of Object.entries(seed.networks)) note(name, network);
  for (const [name, subnet] of Object.entries(seed.subnets)) note(`${name}4`, subnet);
  for (const port of seed.ports) note(String(port['name']), port);
  ids.set('mac1', String(seed.ports[0]?.['mac_address']));
  note('r1', seed.router);
  note('r2', await api.make('router', { name: 'r2' }));
  const r3 = await api.make('router', { name: 'r3' });
  note('r3', r3);
  for (const [name, cidr, gateway] of [['overlap', '10.2.0.0/16', {}], ['lonely', '10.5.0.0/24', { gateway_ip: null }], ['route', '10.6.0.0/24', {}]] as const) {
    const network = await api.make('network', { name });
    note(`${name}4`, await api.make('subnet', { network_id: network.id, ip_version: 4, cidr, ...gateway }));
    if (name === 'lonely') note('alone', await api.make('port', { network_id: network.id }));
  }
  note('bare', await api.make('port', { network_id: seed.networks.red.id, fixed_ips: [] }));
  await api.ask('PUT', `/routers/${r3.id}/add_router_interface`, { subnet_id: ids.get('route4') });
  await api.ask('PUT', `/routers/${r3.id}`, { router: { routes: [{ destination: '10.99.0.0/16', nexthop: '10.6.0.9' }] } });
  const [qr] = (await api.list('ports', `?device_id=${seed.router.id}&device_owner=network:router_interface_distributed`));
  if (qr !== undefined) note('qr', qr);
  const [fip1] = await api.list('floatingips', '?floating_ip_address=203.0.113.101');
  if (fip1 !== undefined) note('fip1', fip1);
}

const filled = <Value>(value: Value): Value =>
  JSON.parse(JSON.stringify(value).replaceAll(/\{(\w+)\}/g, (whole, name: string) => ids.get(name) ?? whole)) as Value;

describe('a request that cannot be done', () => {
  beforeAll(prepare);

  it.each(cases)('is refused and changes nothing: %s', async (_why, method, path, body, status, type) => {
    const before = api.state;
    const answer = await api.ask(method, filled(path), body && filled(body));
    expect(answer).toMatchObject({ status, body: { NeutronError: { type, message: expect.stringMatching(/\S/) as string } } });
    expect(api.state).toBe(before);
  });

  it('is one of a good many', () => {
    expect(cases.length).toBeGreaterThan(60);
  });
});
