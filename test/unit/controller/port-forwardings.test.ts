/** What the controller makes of ports that routers forward: views, the state file, placement and status. */
import { describe, expect, it } from 'vitest';
import { externalText as statusText } from '../../../src/cli/external-text.js';
import { floatingIpStatuses, gatewayStatus } from '../../../src/controller/external-status.js';
import type { ControllerState } from '../../../src/controller/intent.js';
import { externalState, externalText, floatingOn, gatewayOn } from './external.js';
import { restored } from './kept.js';
import { apply, attachCommand, run } from './support.js';

const withForwardings = (...forwardings: string[]): string => externalText
  .replace('203.0.113.60 } }', `203.0.113.60 }, port_forwardings: [${forwardings.map((one) => `{ ${one} }`).join(', ')}] }`)
  .replace('floating_ips:\n', 'floating_ips:\n  203.0.113.150: {}\n');
const web = 'protocol: tcp, external_port: 8080, port: vm3, internal_port: 80';
const dns = 'protocol: udp, external_port: 53, port: vm1, internal_port: 5353, fixed_ip: 10.1.0.11, floating_ip: 203.0.113.150';
const forwardingsOn = (state: ControllerState, node: string) => gatewayOn(state, node).portForwardings;
const linesOf = ({ intent }: ControllerState): string[] => statusText({
  externalNetworks: [], floatingIps: [],
  routers: [...intent.routers.values()].map((router) => ({
    ...router, nodes: [], gateway: gatewayStatus(intent, router, { r1: 'nn1' })!,
  })),
}).at(-1)?.split('\n') ?? [];

describe('ports that a router forwards', () => {
  const state = externalState(withForwardings(web, dns));

  it('are told with the addresses of now, alike on every node, for the one that has the SNAT namespace', () => {
    const told = [
      { protocol: 'tcp', externalIp: '203.0.113.60', externalPort: 8080, fixedIp: '10.1.0.13', internalPort: 80 },
      { protocol: 'udp', externalIp: '203.0.113.150', externalPort: 53, fixedIp: '10.1.0.11', internalPort: 5353 },
    ];
    expect([forwardingsOn(state, 'nn1'), forwardingsOn(state, 'cn1')]).toEqual([told, told]);
    expect(forwardingsOn(externalState(), 'nn1')).toBeUndefined();
  });

  it('survive a restart of the controller', () => {
    const { intent } = state;
    expect(restored(intent)).toEqual(intent);
  });

  it('lead nowhere once the port is gone, and again to it when it is back', () => {
    const gone = run(state, { command: 'deletePort', name: 'vm3' });
    expect(forwardingsOn(gone, 'nn1')?.map(({ externalPort }) => externalPort)).toEqual([53]);
    const back = run(gone, { ...attachCommand('vm3', { network: 'red', node: 'cn2' }), ip: '10.1.0.99' } as never);
    expect(forwardingsOn(back, 'nn1')?.map(({ fixedIp }) => fixedIp)).toEqual(['10.1.0.99', '10.1.0.11']);
  });

  it('make the floating IP of their port a central one: what the port answers has one way', () => {
    expect(floatingOn(externalState())[0]).toBe('203.0.113.101@cn1 distributed');
    expect(floatingOn(state)[0]).toBe('203.0.113.101@nn1 central');
    expect(floatingOn(run(state, apply(externalText)))[0]).toBe('203.0.113.101@cn1 distributed');
  });

  it('are shown with both ends, or with what is wrong', () => {
    expect(linesOf(state)).toEqual([
      'router  forwards               to              port',
      'r1      tcp 203.0.113.60:8080  10.1.0.13:80    vm3',
      'r1      udp 203.0.113.150:53   10.1.0.11:5353  vm1',
    ]);
    const gone = run(state, { command: 'deletePort', name: 'vm3' });
    expect(linesOf(gone)[1]).toBe('r1      tcp 203.0.113.60:8080  NOBODY: the port or its address is gone  vm3');
  });

  it('make nothing of a floating IP that is only kept, but that their router has it', () => {
    const rows = (text: string): string[] => statusText({
      externalNetworks: [], routers: [], floatingIps: floatingIpStatuses(externalState(text).intent, { r1: 'nn1' }),
    }).at(-1)?.split('\n') ?? [];
    const text = withForwardings(dns);
    expect(rows(text)[3]).toBe('203.0.113.150  ext      -     -          nn1, port by port with router r1');
    expect(rows(withForwardings(web))[3]).toBe('203.0.113.150  ext      -     -          kept, nobody has it');
    expect(rows(text.replaceAll(', network_node: true', ''))[3])
      .toBe('203.0.113.150  ext      -     -          NOBODY: router r1 has no network node');
  });
});
