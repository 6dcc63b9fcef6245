/** What clients make by the Networking API is what the same lines of a topology file make. */
import { describe, expect, it } from 'vitest';
import { viewsOf } from '../../../../src/controller/views.js';
import { externalState } from '../external.js';
import { RealApi } from './real-api.js';
import { freshApi, seedByApi } from './seed.js';

/** MACs are given out in the order of the requests. */
function withoutMacs(state: RealApi['state']): unknown {
  const text = JSON.stringify([...viewsOf(state.intent).content]);
  return JSON.parse(text.replaceAll(/fa:16:3e:[0-9a-f:]{8}/g, 'mac'));
}

describe('the Networking API', () => {
  it('makes the very views that the same topology file makes', async () => {
    const { api } = await seedByApi();
    expect(withoutMacs(api.state)).toEqual(withoutMacs(externalState()));
  });

  it('shows what a file has made, with UUIDs and revisions', async () => {
    const api = new RealApi(externalState());
    const [red] = await api.list('networks', '?name=red');
    expect(red).toMatchObject({
      name: 'red', 'provider:network_type': 'vxlan', 'provider:segmentation_id': 101, mtu: 1550,
      'router:external': false, status: 'ACTIVE', admin_state_up: true, revision_number: 1,
    });
    const [router] = await api.list('routers');
    expect(router).toMatchObject({
      name: 'r1', distributed: true, ha: true,
      external_gateway_info: { enable_snat: true, external_fixed_ips: [{ ip_address: '203.0.113.60' }] },
    });
    const owners = (await api.list('ports')).map((port) => port['device_owner']).sort();
    expect(owners.filter((owner) => owner === 'network:router_interface_distributed')).toHaveLength(2);
    expect(owners.filter((owner) => owner === 'network:router_centralized_snat')).toHaveLength(2);
    expect(owners.filter((owner) => owner === 'network:router_gateway')).toHaveLength(1);
    expect(owners.filter((owner) => owner === 'network:floatingip')).toHaveLength(2);
    expect(owners.filter((owner) => owner === 'network:floatingip_agent_gateway')).toHaveLength(3);
    const [floating] = await api.list('floatingips', '?floating_ip_address=203.0.113.101');
    expect(floating).toMatchObject({ fixed_ip_address: '10.1.0.11', router_id: router?.id, status: 'ACTIVE', port_details: { name: 'vm1' } });
  });

  it('takes everything away again, in the order clients do', async () => {
    const { api, networks, subnets, router, ports } = await seedByApi();
    for (const one of await api.list('floatingips')) expect((await api.ask('DELETE', `/floatingips/${one.id}`)).status).toBe(204);
    for (const port of ports) expect((await api.ask('DELETE', `/ports/${port.id}`)).status).toBe(204);
    for (const subnet of [subnets.red, subnets.green])
      expect((await api.ask('PUT', `/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id })).status).toBe(200);
    expect((await api.ask('DELETE', `/routers/${router.id}`)).status).toBe(204);
    for (const network of Object.values(networks)) expect((await api.ask('DELETE', `/networks/${network.id}`)).status).toBe(204);
    const left = freshApi().state.intent;
    expect({ ...api.state.intent, generation: 0, dvrMacs: 0 }).toEqual({ ...left, generation: 0, dvrMacs: 0 });
  });

  it('gives what nobody said: addresses, MACs, VNIs, gateways', async () => {
    const api = freshApi();
    const network = await api.make('network', { name: 'net A/1' });
    expect(network['provider:segmentation_id']).toBeTypeOf('number');
    const subnet = await api.make('subnet', { network_id: network.id, ip_version: 4, cidr: '10.9.0.0/29' });
    expect(subnet).toMatchObject({ gateway_ip: '10.9.0.1', allocation_pools: [{ start: '10.9.0.2', end: '10.9.0.6' }] });
    const port = await api.make('port', { network_id: network.id });
    expect(port).toMatchObject({ fixed_ips: [{ subnet_id: subnet.id, ip_address: '10.9.0.2' }], status: 'DOWN', 'binding:vif_type': 'unbound' });
    expect(port['mac_address']).toMatch(/^fa:16:3e:/);
    // A name that cannot be one inside: the UUID is what namespaces and devices are called by.
    expect([...api.state.intent.networks.keys()]).toEqual([network.id]);
  });

  it('refuses a write for a revision that is past, and does it for the present one', async () => {
    const { api, router } = await seedByApi();
    const now = (await api.show('router', router.id))['revision_number'];
    expect(now).not.toBe(router['revision_number']);
    const change = { router: { description: 'mine' } };
    const late = await api.ask('PUT', `/routers/${router.id}`, change, { 'if-match': `revision_number=${router['revision_number']}` });
    expect(late).toMatchObject({ status: 412, body: { NeutronError: { type: 'RevisionNumberConstraintFailed' } } });
    const good = await api.ask('PUT', `/routers/${router.id}`, change, { 'if-match': `revision_number=${now}` });
    expect(good).toMatchObject({ status: 200, body: { router: { description: 'mine', revision_number: (now as number) + 1 } } });
  });

  it('makes several or none', async () => {
    const api = freshApi();
    const before = api.state;
    const clash = { networks: [{ name: 'a', 'provider:segmentation_id': 7 }, { name: 'b', 'provider:segmentation_id': 7 }] };
    expect((await api.ask('POST', '/networks', clash)).status).toBe(409);
    expect(api.state).toBe(before);
    expect((await api.ask('POST', '/networks', { networks: [{ name: 'a' }, { name: 'b' }] })).status).toBe(201);
    expect(await api.list('networks')).toHaveLength(2);
  });
});
