/** What clients made beside a topology file stays when a file is applied, and what the file names is the file's. */
import { describe, expect, it } from 'vitest';
import { RealApi } from './api/real-api.js';
import { seedByApi } from './api/seed.js';
import { externalState, externalText } from './external.js';
import { apply, refusal, run } from './support.js';

/** The seed of a file, and beside it a network, a router, a port and a floating IP of clients. */
async function besideFile(): Promise<RealApi> {
  const api = new RealApi(externalState());
  const [ext] = await api.list('networks', '?name=ext');
  const network = await api.make('network', { name: 'blue' });
  const subnet = await api.make('subnet', { network_id: network.id, ip_version: 4, cidr: '10.3.0.0/24' });
  const router = await api.make('router', { name: 'r9', external_gateway_info: { network_id: ext?.id } });
  await api.ask('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const port = await api.make('port', { name: 'web', network_id: network.id, 'binding:host_id': 'cn1' });
  await api.make('floatingip', { floating_network_id: ext?.id, port_id: port.id, floating_ip_address: '203.0.113.90' });
  return api;
}

describe('applying a topology file', () => {
  it('leaves what clients made as it is, the same file or another', async () => {
    const { state } = await besideFile();
    const again = run(state, apply(externalText));
    expect(again.intent).toEqual(state.intent);
    const less = run(state, apply(externalText.replace(/ {2}203\.0\.113\.102.*\n/, '')));
    for (const map of ['networks', 'routers', 'ports', 'gateways'] as const)
      expect(less.intent[map]).toEqual(state.intent[map]);
    expect([...less.intent.floatingIps.keys()]).toEqual(expect.arrayContaining(['ext/203.0.113.90', 'ext/203.0.113.101']));
    expect(less.intent.floatingIps.size).toBe(2);
  });

  it('takes over what it names, and takes that away when it names it no more', async () => {
    const { api } = await seedByApi();
    const taken = run(api.state, apply(externalText));
    expect(taken.intent.networks.get('red')).toEqual(api.state.intent.networks.get('red'));
    const nothing = run(taken, apply(externalText.slice(0, externalText.indexOf('networks:\n'))));
    expect([...nothing.intent.networks, ...nothing.intent.routers, ...nothing.intent.ports]).toEqual([]);
  });

  it('is refused where it leaves a client no place to be', async () => {
    const { state } = await besideFile();
    const noExt = externalText.replace(/external_networks:\n.*\n/, '').replace(', gateway: { network: ext, ip: 203.0.113.60 }', '')
      .replace(/floating_ips:[^]*/, '');
    expect(refusal(state, apply(noExt)).message).toBe('router r9 has its gateway in network ext, which the topology no longer has');
    const wider = new RealApi(state);
    const [net] = await wider.list('networks', '?name=red');
    const wide = await wider.make('subnet', { network_id: net?.id, ip_version: 4, cidr: '10.9.0.0/24' });
    const r9 = await wider.list('routers', '?name=r9');
    expect((await wider.ask('PUT', `/routers/${r9[0]?.id}/add_router_interface`, { subnet_id: wide.id })).status).toBe(200);
    expect(refusal(wider.state, apply(externalText)).message)
      .toBe('router r9 has 10.9.0.1 in a subnet that the topology no longer has in network red');
    const other = externalText.replace('external_networks:', 'external_networks:\n  ext2: { physical_network: physnet1, subnets: [{ cidr: 198.51.100.0/24 }] }');
    expect(run(state, apply(other)).intent.externalNetworks.size).toBe(2);
    const twice = externalText.replace('  r1:', '  r8: { interfaces: [{ network: red, ip: 10.1.0.77 }] }\n  r1:');
    const api = new RealApi(state);
    const [red] = await api.list('networks', '?name=red');
    await api.make('port', { name: 'early', network_id: red?.id, fixed_ips: [{ ip_address: '10.1.0.77' }] });
    expect(refusal(api.state, apply(twice)).code).toBe('DVR_CONFLICT');
  });
});
