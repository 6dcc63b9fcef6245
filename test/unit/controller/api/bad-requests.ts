/**
 * Requests that are wrong in themselves, whatever there is: what is sent, and what must be answered. The words
 * are Neutron's, which people search for, but where it says nothing of the attribute.
 */
export interface BadRequest {
  readonly why: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  readonly path: string;
  /** Sent as JSON, but for a text, which is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

const id = 'c0ffee00-0000-4000-8000-000000000001';
const long = (count: number): string => 'x'.repeat(count);

type Said = readonly [why: string, body: unknown, message: string, type?: string];

function posts(path: string, key: string, base: object, said: readonly Said[]): readonly BadRequest[] {
  return said.map(([why, fields, message, type = 'HTTPBadRequest']) => ({
    why: `POST ${path}: ${why}`, method: 'POST', path, body: { [key]: { ...base, ...(fields as object) } },
    status: type.endsWith('NotFound') ? 404 : 400, type, message,
  }));
}

function puts(path: string, key: string, said: readonly Said[]): readonly BadRequest[] {
  return said.map(([why, fields, message, type = 'HTTPBadRequest']) => ({
    why: `PUT ${path}: ${why}`, method: 'PUT', path: `${path}/${id}`, body: { [key]: fields }, status: 400, type, message,
  }));
}

function raw(path: string, said: readonly Said[], method: 'POST' | 'PUT' = 'POST'): readonly BadRequest[] {
  return said.map(([why, body, message, type = 'HTTPBadRequest']) => ({
    why: `${method} ${path}: ${why}`, method, path, body, status: 400, type, message,
  }));
}

const input = 'InvalidInput';

const envelopes: readonly BadRequest[] = [
  ...raw('/v2.0/networks', [
    ['no body', '', "Unable to find 'network' in request body"],
    ['an empty object', {}, "Unable to find 'network' in request body"],
    ['no JSON', '{"network":', 'Body contains invalid data'],
    ['too deep', '{"network":'.repeat(20) + '1' + '}'.repeat(20), 'Body contains invalid data: it nests deeper than 16'],
    ['a list', { network: [] }, "Object 'network' contains invalid data"],
    ['null', { network: null }, "Object 'network' contains invalid data"],
    ['something beside it', { network: {}, wombat: 1 }, "Unrecognized attribute(s) 'wombat'"],
    ['bulk of nothing', { networks: [] }, 'Resources required'],
    ['bulk that is no list', { networks: {} }, "Object 'networks' contains invalid data"],
    ['bulk of no objects', { networks: [1] }, "Object 'network' contains invalid data"],
    ['too much at once', { networks: Array.from({ length: 501 }, () => ({})) }, '501 resources are asked for; at most 500 are made at once'],
  ]),
  ...raw('/v2.0/routers', [['bulk', { routers: [{}] }, 'Bulk operation not supported']]),
  ...raw('/v2.0/floatingips', [['bulk', { floatingips: [{}] }, 'Bulk operation not supported']]),
  ...raw(`/v2.0/networks/${id}`, [['no body', '', "Unable to find 'network' in request body"]], 'PUT'),
];

const networks = [
  ...posts('/v2.0/networks', 'network', {}, [
    ['one unknown attribute', { wombat: 1 }, "Unrecognized attribute(s) 'wombat'"],
    ['two unknown attributes', { wombat: 1, koala: 2 }, "Unrecognized attribute(s) 'wombat, koala'"],
    ['an attribute named like an inherited one', { constructor: 1 }, "Unrecognized attribute(s) 'constructor'"],
    ['an id', { id }, "Attribute 'id' not allowed in POST"],
    ['a name that is no text', { name: 5 }, "Invalid input for name. Reason: '5' is not a valid string."],
    ['a name of null', { name: null }, "Invalid input for name. Reason: 'None' is not a valid string."],
    ['a long name', { name: long(256) }, `Invalid input for name. Reason: '${long(256)}' exceeds maximum length of 255.`],
    ['a NUL in a name', { name: 'a\0b' }, "Invalid input for name. Reason: 'a\0b' is not a valid string."],
    ['a description of null', { description: null }, "Invalid input for description. Reason: 'None' is not a valid string."],
    ['a state that is no boolean', { admin_state_up: 'maybe' }, "Invalid input for operation: 'maybe' cannot be converted to boolean.", input],
    ['a boolean of 2', { shared: 2 }, "Invalid input for operation: '2' cannot be converted to boolean.", input],
    ['a boolean of null', { shared: null }, "Invalid input for operation: 'None' cannot be converted to boolean.", input],
    ['an MTU that is no number', { mtu: 'abc' }, "Invalid input for operation: 'abc' is not an integer.", input],
    ['an MTU of 1.5', { mtu: 1.5 }, "Invalid input for operation: '1.5' is not an integer.", input],
    ['an MTU below zero', { mtu: -1 }, "Invalid input for mtu. Reason: '-1' should be non-negative."],
    ['an MTU beyond all', { mtu: 65_536 }, "Invalid input for mtu. Reason: '65536' is too large - must be no larger than '65535'."],
    ['an unknown network type', { 'provider:network_type': 'gre' }, 'Invalid input for provider:network_type. Reason: gre is not in valid_values.'],
    ['two projects', { project_id: 'a', tenant_id: 'b' }, "'project_id' and 'tenant_id' do not match"],
    ['a zone that is not there', { availability_zone_hints: ['mars'] }, 'Invalid input for availability_zone_hints. Reason: mars is not in valid_values.'],
  ]),
  ...puts('/v2.0/networks', 'network', [
    ['a tenant', { tenant_id: 'x' }, 'Cannot update read-only attribute tenant_id'],
    ['a revision', { revision_number: 7 }, 'Cannot update read-only attribute revision_number'],
    ['what it is on the wire', { 'provider:segmentation_id': 7 }, 'Cannot update read-only attribute provider:segmentation_id'],
  ]),
];

const v4 = { network_id: id, ip_version: 4, cidr: '10.40.0.0/24' };
const keys = (expected: string, given: string): string =>
  `Validation of dictionary's keys failed. Expected keys: {${expected}} Provided keys: {${given}}.`;

const subnets = [
  ...posts('/v2.0/subnets', 'subnet', {}, [
    ['no network', { ip_version: 4 }, "Failed to parse request. Required attribute 'network_id' not specified"],
    ['no version', { network_id: id }, "Failed to parse request. Required attribute 'ip_version' not specified"],
  ]),
  ...posts('/v2.0/subnets', 'subnet', v4, [
    ['a network that is no UUID', { network_id: 'zzz' }, "Invalid input for network_id. Reason: 'zzz' is not a valid UUID."],
    ['version 5', { ip_version: 5 }, 'Invalid input for ip_version. Reason: 5 is not in valid_values.'],
    ['garbage for a CIDR', { cidr: 'wombat' }, "Invalid input for cidr. Reason: 'wombat' is not a valid CIDR."],
    ['a CIDR of null', { cidr: null }, "Invalid input for cidr. Reason: 'None' is not a valid CIDR."],
    ['a prefix of 33', { cidr: '10.0.0.0/33' }, "Invalid input for cidr. Reason: '10.0.0.0/33' is not a valid CIDR."],
    ['host bits', { cidr: '10.0.0.7/24' }, "Invalid input for cidr. Reason: '10.0.0.7/24' is not a recognized CIDR, '10.0.0.0/24' is recommended."],
    ['a gateway that is no address', { gateway_ip: 'x' }, "Invalid input for gateway_ip. Reason: 'x' is not a valid IP address."],
    ['an octal gateway', { gateway_ip: '010.0.0.1' }, "Invalid input for gateway_ip. Reason: '010.0.0.1' is not a valid IP address."],
    ['pools that are no list', { allocation_pools: 'x' }, "Invalid input for allocation_pools. Reason: Invalid data format for IP pool: 'x'."],
    ['a pool of other keys', { allocation_pools: [{ first: '10.40.0.9' }] },
      `Invalid input for allocation_pools. Reason: ${keys("'start', 'end'", "'first'")}`],
    ['a pool from nowhere', { allocation_pools: [{ start: 'x', end: '10.40.0.9' }] }, "Invalid input for allocation_pools. Reason: 'x' is not a valid IP address."],
    ['a nameserver that is none', { dns_nameservers: ['wombat'] }, "Invalid input for dns_nameservers. Reason: 'wombat' is not a valid IP address."],
    ['a nameserver twice', { dns_nameservers: ['1.1.1.1', '1.1.1.1'] }, "Invalid input for dns_nameservers. Reason: Duplicate nameserver '1.1.1.1'."],
    ['six nameservers', { dns_nameservers: [1, 2, 3, 4, 5, 6].map((n) => `1.1.1.${n}`) },
      'Unable to complete operation for new subnet. The number of DNS nameservers exceeds the limit 5.', 'DNSNameServersExhausted'],
    ['a route to nowhere', { host_routes: [{ destination: 'x', nexthop: '10.40.0.1' }] }, "Invalid input for host_routes. Reason: 'x' is not a valid CIDR."],
    ['half a route', { host_routes: [{ destination: '10.80.0.0/24' }] },
      `Invalid input for host_routes. Reason: ${keys("'destination', 'nexthop'", "'destination'")}`],
    ['21 routes', { host_routes: Array.from({ length: 21 }, (_, n) => ({ destination: `10.80.${n}.0/24`, nexthop: '10.40.0.1' })) },
      'Unable to complete operation for new subnet. The number of host routes exceeds the limit 20.', 'HostRoutesExhausted'],
    ['an unknown mode', { ipv6_ra_mode: 'foo' }, 'Invalid input for ipv6_ra_mode. Reason: foo is not in valid_values.'],
    ['a subnet pool', { subnetpool_id: id }, `Subnet pool ${id} could not be found.`, 'SubnetPoolNotFound'],
  ]),
  ...puts('/v2.0/subnets', 'subnet', [['a CIDR', { cidr: '10.0.0.0/24' }, 'Cannot update read-only attribute cidr']]),
];

const ports = [
  ...posts('/v2.0/ports', 'port', {}, [['no network', {}, "Failed to parse request. Required attribute 'network_id' not specified"]]),
  ...posts('/v2.0/ports', 'port', { network_id: id }, [
    ['a MAC that is none', { mac_address: 'zz:16:3e:00:00:01' }, "Invalid input for mac_address. Reason: 'zz:16:3e:00:00:01' is not a valid MAC address."],
    ['a MAC of a group', { mac_address: '01:00:5e:00:00:01' }, "Invalid input for mac_address. Reason: '01:00:5e:00:00:01' is not a valid MAC address."],
    ['a DVR MAC', { mac_address: 'fa:16:3f:00:00:01' }, "Invalid input for mac_address. Reason: 'fa:16:3f:00:00:01' is in fa:16:3f, which is kept for DVR MACs."],
    ['addresses that are no list', { fixed_ips: '10.40.0.3' }, "Invalid input for fixed_ips. Reason: Invalid data format for fixed IP: '10.40.0.3'."],
    ['an address that is no object', { fixed_ips: ['10.40.0.3'] }, "Invalid input for fixed_ips. Reason: Invalid data format for fixed IP: '10.40.0.3'."],
    ['an address that is none', { fixed_ips: [{ ip_address: '300.1.1.1' }] }, "Invalid input for fixed_ips. Reason: '300.1.1.1' is not a valid IP address."],
    ['an address of nothing', { fixed_ips: [{}] }, 'Invalid input for operation: IP allocation requires subnet_id or ip_address.', input],
    ['an address with more', { fixed_ips: [{ ip_address: '10.40.0.3', wombat: 1 }] }, 'Invalid input for fixed_ips. Reason: Unexpected keys supplied: wombat.'],
    ['an address twice', { fixed_ips: [{ ip_address: '10.40.0.34' }, { ip_address: '10.40.0.34' }] }, "Invalid input for fixed_ips. Reason: Duplicate IP address '10.40.0.34'."],
    ['17 addresses', { fixed_ips: Array.from({ length: 17 }, (_, n) => ({ ip_address: `10.40.0.${n + 3}` })) }, 'Invalid input for fixed_ips. Reason: 17 items exceed the maximum of 16.'],
    ['an unknown vNIC', { 'binding:vnic_type': 'foo' }, 'Invalid input for binding:vnic_type. Reason: foo is not in valid_values.'],
    ['a profile that is no object', { 'binding:profile': 'x' }, "Invalid input for binding:profile. Reason: 'x' is not a dictionary."],
    ['how it is plugged', { 'binding:vif_type': 'ovs' }, "Attribute 'binding:vif_type' not allowed in POST"],
    ['a long device', { device_id: long(256) }, `Invalid input for device_id. Reason: '${long(256)}' exceeds maximum length of 255.`],
    ['a security group', { security_groups: [id] }, `Security group ${id} does not exist`, 'SecurityGroupNotFound'],
    ['DHCP options', { extra_dhcp_opts: [{ opt_name: 'a' }] }, 'Invalid input for extra_dhcp_opts. Reason: there is no DHCP server here that could say it.'],
    ['a pair without address', { allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:01' }] }, 'AllowedAddressPair must contain ip_address', 'AllowedAddressPairsMissingIP'],
    ['a pair that is none', { allowed_address_pairs: [{ ip_address: 'x' }] }, "Invalid input for allowed_address_pairs. Reason: 'x' is not a valid IP address."],
    ['a pair twice', { allowed_address_pairs: [{ ip_address: '10.40.0.9' }, { ip_address: '10.40.0.9' }] },
      'Request contains duplicate address pair: mac_address None ip_address 10.40.0.9.', 'DuplicateAddressPairInRequest'],
    ['65 pairs', { allowed_address_pairs: Array.from({ length: 65 }, (_, n) => ({ ip_address: `10.40.0.${n + 3}` })) },
      'The number of allowed address pair exceeds the maximum 64.', 'AllowedAddressPairExhausted'],
  ]),
  ...puts('/v2.0/ports', 'port', [
    ['another network', { network_id: id }, 'Cannot update read-only attribute network_id'],
    ['an unknown attribute', { wombat: 1 }, "Unrecognized attribute(s) 'wombat'"],
  ]),
];

const route = { destination: '10.80.0.0/24', nexthop: '10.40.0.9' };

const routers = [
  ...posts('/v2.0/routers', 'router', {}, [
    ['routes', { routes: [] }, "Attribute 'routes' not allowed in POST"],
    ['the port of its gateway', { gw_port_id: id }, "Unrecognized attribute(s) 'gw_port_id'"],
    ['neither distributed nor not', { distributed: 'maybe' }, "Invalid input for operation: 'maybe' cannot be converted to boolean.", input],
    ['a way that is none', { 'dvr:routing': 'slow' }, 'Invalid input for dvr:routing. Reason: slow is not in valid_values.'],
  ]),
  ...puts('/v2.0/routers', 'router', [
    ['a gateway with more', { external_gateway_info: { network_id: id, foo: 1 } }, 'Invalid input for external_gateway_info. Reason: Unexpected keys supplied: foo.'],
    ['a gateway without network', { external_gateway_info: { enable_snat: true } },
      `Invalid input for external_gateway_info. Reason: ${keys("'network_id'", "'enable_snat'")}`],
    ['a gateway that is none', { external_gateway_info: 'x' }, "Invalid input for external_gateway_info. Reason: 'x' is not a dictionary."],
    ['SNAT that is neither', { external_gateway_info: { network_id: id, enable_snat: 'maybe' } }, "Invalid input for operation: 'maybe' cannot be converted to boolean.", input],
    ['a route to nowhere', { routes: [{ ...route, destination: 'x' }] }, "Invalid input for routes. Reason: 'x' is not a valid CIDR."],
    ['a route with host bits', { routes: [{ ...route, destination: '10.80.0.7/24' }] },
      "Invalid input for routes. Reason: '10.80.0.7/24' is not a recognized CIDR, '10.80.0.0/24' is recommended."],
    ['a route twice', { routes: [route, route] },
      "Invalid input for routes. Reason: Duplicate hostroute '{'destination': '10.80.0.0/24', 'nexthop': '10.40.0.9'}'."],
  ]),
  ...raw(`/v2.0/routers/${id}/add_router_interface`, [
    ['neither', {}, 'Bad router request: Either subnet_id or port_id must be specified.', 'BadRequest'],
    ['both', { subnet_id: id, port_id: id }, 'Bad router request: Cannot specify both subnet-id and port-id.', 'BadRequest'],
    ['no UUID', { subnet_id: 'zz' }, "Bad router request: 'zz' is not a valid UUID.", 'BadRequest'],
    ['more', { subnet_id: id, wombat: 1 }, "Unrecognized attribute(s) 'wombat'"],
  ], 'PUT'),
  ...raw(`/v2.0/routers/${id}/add_extraroutes`, [
    ['nothing', {}, "Unable to find 'router' in request body"],
    ['no routes', { router: { routes: 'x' } }, "Invalid input for routes. Reason: Invalid data format for hostroute: 'x'."],
  ], 'PUT'),
];

const outside = [
  ...posts('/v2.0/floatingips', 'floatingip', {}, [['no network', {}, "Failed to parse request. Required attribute 'floating_network_id' not specified"]]),
  ...posts('/v2.0/floatingips', 'floatingip', { floating_network_id: id }, [
    ['an address that is none', { floating_ip_address: 'x' }, "Invalid input for floating_ip_address. Reason: 'x' is not a valid IP address."],
    ['a router', { router_id: id }, "Attribute 'router_id' not allowed in POST"],
    ['a place that is none', { 'dvr:placement': 'here' }, 'Invalid input for dvr:placement. Reason: here is not in valid_values.'],
  ]),
  ...puts('/v2.0/floatingips', 'floatingip', [
    ['another network', { floating_network_id: id }, 'Cannot update read-only attribute floating_network_id'],
    ['a status', { status: 'ACTIVE' }, 'Cannot update read-only attribute status'],
  ]),
  ...posts(`/v2.0/floatingips/${id}/port_forwardings`, 'port_forwarding',
    { protocol: 'tcp', external_port: 80, internal_port: 8080, internal_port_id: id }, [
      ['another protocol', { protocol: 'sctp' }, 'Invalid input for protocol. Reason: sctp is not in valid_values.'],
      ['port 0', { external_port: 0 }, "Invalid input for external_port. Reason: '0' is too small - must be at least '1'."],
      ['port 65536', { internal_port: '65536' }, "Invalid input for internal_port. Reason: '65536' is too large - must be no larger than '65535'."],
    ]),
];

const got = (path: string, message: string, type = 'HTTPBadRequest', status = 400): BadRequest =>
  ({ why: `GET ${path}`, method: 'GET', path: `/v2.0${path}`, status, type, message });

const queries = [
  got('/networks?wombat=1', "['wombat'] is invalid attribute for filtering"),
  got('/routers?external_gateway_info=x', "['external_gateway_info'] is invalid attribute for filtering"),
  got('/networks?admin_state_up=maybe', "Invalid input for operation: 'maybe' cannot be converted to boolean.", input),
  got('/ports?fixed_ips=10.0.0.1', "Invalid input for operation: '10.0.0.1' is no filter of fixed_ips.", input),
  got('/networks?limit=-1', "Bad limit request: Limit must be an integer 0 or greater and not '-1'.", 'BadRequest'),
  got('/networks?limit=x', "Bad limit request: Limit must be an integer 0 or greater and not 'x'.", 'BadRequest'),
  got(`/networks?limit=1&marker=${id}`, `Network ${id} could not be found.`, 'NetworkNotFound', 404),
  got('/networks?sort_key=name', 'The number of sort_keys and sort_dirs must be same'),
  got('/networks?sort_key=wombat&sort_dir=asc', "['wombat'] is invalid attribute for sort_keys"),
  got('/networks?sort_key=name&sort_dir=up', "['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'"),
];

const malformed = 'The server could not comply with the request since it is either malformed or otherwise incorrect.';

const manners: readonly BadRequest[] = [
  got('/wombats', 'The resource could not be found.', 'HTTPNotFound', 404),
  got('/networks.xml', 'The resource could not be found.', 'HTTPNotFound', 404),
  got(`/networks/${id}`, `Network ${id} could not be found.`, 'NetworkNotFound', 404),
  got('/networks/net1', 'Network net1 could not be found.', 'NetworkNotFound', 404),
  got(`/routers/${id}`, `Router ${id} could not be found`, 'RouterNotFound', 404),
  got(`/networks/${id}/tags`, `Resource networks ${id} could not be found.`, 'TagResourceNotFound', 404),
  got('/extensions/security-group', 'Extension with alias security-group does not exist', 'ExtensionNotFound', 404),
  { why: 'PATCH', method: 'PATCH', path: `/v2.0/networks/${id}`, body: {}, status: 405, type: 'HTTPMethodNotAllowed', message: malformed },
  { why: 'POST to an item', method: 'POST', path: `/v2.0/networks/${id}`, body: {}, status: 405, type: 'HTTPMethodNotAllowed', message: malformed },
  { why: 'XML', method: 'GET', path: '/v2.0/networks', headers: { accept: 'application/xml' }, status: 406, type: 'HTTPNotAcceptable', message: malformed },
  { why: 'a body beyond all', method: 'POST', path: '/v2.0/networks', body: ' '.repeat((1 << 20) + 1), status: 413,
    type: 'HTTPRequestEntityTooLarge', message: 'Request body is too large' },
];

export const badRequests: readonly BadRequest[] =
  [...envelopes, ...networks, ...subnets, ...ports, ...routers, ...outside, ...queries, ...manners];
