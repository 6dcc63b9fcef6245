/** A topology file made of the state, and taken back. */
import { describe, expect, it } from 'vitest';
import { exportTopology } from '../../../src/controller/export-topology.js';
import { seedByApi } from './api/seed.js';
import { externalState, externalText } from './external.js';
import { apply, run } from './support.js';


describe('what is exported', () => {
  it('changes nothing where it came from, a file or a client', async () => {
    for (const state of [externalState(), (await seedByApi()).api.state]) {
      const back = run(state, apply(exportTopology(state.intent)));
      expect(back.intent.generation).toBe(state.intent.generation);
      for (const map of ['networks', 'externalNetworks', 'routers', 'gateways', 'fgPorts', 'floatingIps'] as const)
        expect(back.intent[map]).toEqual(state.intent[map]);
      expect(exportTopology(back.intent)).toBe(exportTopology(state.intent));
    }
  });

  it('says of everything what a file can say of it', () => {
    const text = externalText
      .replace('ip: 203.0.113.60 }', 'ip: 203.0.113.60, node: nn2, snat_path: direct }, routing: namespace,'
        + ' routes: [{ destination: 10.99.0.0/16, via: 10.1.0.99 }],'
        + ' port_forwardings: [{ protocol: tcp, external_port: 80, port: vm3, internal_port: 8080 }]')
      .replace('{ port: vm1 }', '{ port: vm1, placement: central }')
      .replace('ip: 10.1.0.13 }', 'ip: 10.1.0.13, port_security: false, allowed_address_pairs: [{ ip: 10.1.0.200 }] }');
    const state = externalState(text);
    expect(run(state, apply(exportTopology(state.intent))).intent.generation).toBe(state.intent.generation);
    const exported = exportTopology(state.intent);
    for (const word of ['snat_path: direct', 'node: nn2', 'routing: namespace', 'via: 10.1.0.99', 'external_port: 80', 'placement: central', 'port_security: false', '10.1.0.200'])
      expect(exported).toContain(word);
  });

  it('names what a file has no words for', async () => {
    const { api, networks } = await seedByApi();
    await api.ask('PUT', `/networks/${networks.red.id}`, { network: { admin_state_up: false } });
    expect(exportTopology(api.state.intent)).toContain('# not in this file: red is switched off');
  });
});
