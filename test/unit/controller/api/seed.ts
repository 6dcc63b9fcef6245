/** The seed's picture with a way out, made by the Networking API request by request. */
import { expect } from 'vitest';
import { emptyState } from '../../../../src/controller/intent.js';
import { externalText } from '../external.js';
import { apply, run } from '../support.js';
import { RealApi, type Resource } from './real-api.js';

const nodesOnly = externalText.slice(0, externalText.indexOf('networks:\n'));
export const freshApi = (): RealApi => new RealApi(run(emptyState, apply(nodesOnly)));

interface Seed {
  readonly api: RealApi;
  readonly networks: Readonly<Record<'red' | 'green' | 'ext', Resource>>;
  readonly subnets: Readonly<Record<'red' | 'green' | 'ext', Resource>>;
  readonly router: Resource;
  readonly ports: readonly Resource[];
}

/** The seed's picture, request by request. */
export async function seedByApi(): Promise<Seed> {
  const api = freshApi();
  const tenant = async (name: string, vni: number) =>
    api.make('network', { name, 'provider:network_type': 'vxlan', 'provider:segmentation_id': String(vni) });
  const networks = {
    red: await tenant('red', 101),
    green: await tenant('green', 102),
    ext: await api.make('network', {
      name: 'ext', 'router:external': true, 'provider:network_type': 'vlan',
      'provider:physical_network': 'physnet1', 'provider:segmentation_id': 500,
    }),
  };
  const subnet = async (network: Resource, cidr: string, more: object = {}) =>
    api.make('subnet', { network_id: network.id, ip_version: 4, cidr, ...more });
  const subnets = {
    red: await subnet(networks.red, '10.1.0.0/24'),
    green: await subnet(networks.green, '10.2.0.0/24'),
    ext: await subnet(networks.ext, '203.0.113.0/24', { allocation_pools: [{ start: '203.0.113.20', end: '203.0.113.99' }] }),
  };
  const router = await api.make('router', { name: 'r1' });
  for (const one of [subnets.red, subnets.green])
    expect((await api.ask('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: one.id })).status).toBe(200);
  const gateway = { network_id: networks.ext.id, external_fixed_ips: [{ ip_address: '203.0.113.60' }] };
  expect((await api.ask('PUT', `/routers/${router.id}`, { router: { external_gateway_info: gateway } })).status).toBe(200);
  const ports: Resource[] = [];
  for (const [name, network, ip, host] of [
    ['vm1', networks.red, '10.1.0.11', 'cn1'], ['vm2', networks.green, '10.2.0.12', 'cn2'],
    ['vm3', networks.red, '10.1.0.13', 'cn2'], ['vm4', networks.green, '10.2.0.14', 'cn1'],
  ] as const)
    ports.push(await api.make('port', { name, network_id: network.id, fixed_ips: [{ ip_address: ip }], 'binding:host_id': host }));
  for (const [index, ip] of [[0, '203.0.113.101'], [1, '203.0.113.102']] as const)
    await api.make('floatingip', { floating_network_id: networks.ext.id, floating_ip_address: ip, port_id: ports[index]?.id });
  return { api, networks, subnets, router, ports };
}
