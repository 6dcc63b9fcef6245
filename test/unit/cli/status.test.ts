import { describe, expect, it } from 'vitest';
import { statusText } from '../../../src/cli/status.js';
import type { ControllerState } from '../../../src/controller/intent.js';
import { statusOf, type NodeStatus, type Status } from '../../../src/controller/status.js';
import { externalState, externalText } from '../controller/external.js';
import { controllerWith } from '../controller/kept.js';
import { run } from '../controller/support.js';

const node = (name: string, routers: NodeStatus['routers']): NodeStatus => ({
  name, vtepIp: '172.16.0.11', dvrMac: 'fa:16:3f:00:00:01', connected: true, generation: 7, viewGeneration: 7,
  ports: [], errors: [], routers,
});
const status = (...nodes: NodeStatus[]): Status => ({
  generation: 7, store: { where: 'LevelDB in a folder', isShared: false }, converged: true, nodes, networks: [], externalNetworks: [], ports: [], floatingIps: [],
  routers: [{ id: 'r1', nodes: nodes.map(({ name }) => name), routing: 'auto', interfaces: [], routes: [] }],
});

describe('the text of a status', () => {
  it('says which way each copy of a router goes, and why', () => {
    const text = statusText(status(
      node('cn1', [{ id: 'r1', way: 'fast', why: 'routing is auto and nobody looks or rules inside' }]),
      node('cn2', [{ id: 'r1', way: 'namespace', why: 'tcpdump (pid 4711) captures on qr-red' }]),
    ));
    expect(text).toContain([
      'router  node  way of its traffic',
      'r1      cn1   fast: routing is auto and nobody looks or rules inside',
      'r1      cn2   namespace: tcpdump (pid 4711) captures on qr-red',
    ].join('\n'));
  });

  it('says nothing of ways that no node has told', () => {
    expect(statusText(status(node('cn1', [])))).not.toContain('way of its traffic');
  });
});

/** What is printed of a state, from its first table of the way out to its ports. */
async function textOf({ intent }: ControllerState, elected?: string): Promise<string[]> {
  const controller = await controllerWith(intent);
  const routers = [{ id: 'r1', way: 'fast', why: '', ...(elected === undefined ? {} : { snatNode: elected }) }] as const;
  await controller.execute({ command: 'reportNode', report: { node: 'cn1', generation: 1, ports: [], errors: [], routers } });
  const lines = statusText(statusOf(controller, () => true)).split('\n');
  return lines.slice(lines.findIndex((line) => line.startsWith('external network')), lines.findIndex((line) => line.startsWith('port ')));
}

describe('the text of a status with a way out', () => {
  it('says by which wire it is, who does source NAT, and who does each floating IP', async () => {
    expect(await textOf(externalState(), 'nn1')).toEqual([
      'external network  wire               MTU   subnets                        uplinks',
      'ext               physnet1 VLAN 500  1500  203.0.113.0/24 by 203.0.113.1  '
        + 'cn1 203.0.113.22/24, nn1 203.0.113.20/24, nn2 203.0.113.21/24',
      '',
      'router  gateway in  addresses        source NAT           path',
      'r1      ext         203.0.113.60/24  nn1 (nn2 stands by)  router',
      '',
      'floating IP    network  port  address    done on',
      '203.0.113.101  ext      vm1   10.1.0.11  cn1, with the port',
      '203.0.113.102  ext      vm2   10.2.0.12  nn1, central with router r1',
      '',
    ]);
  });

  it('goes by whom the nodes have elected, and says so where they have not', async () => {
    expect((await textOf(externalState(), 'nn2')).slice(4, 9).join()).toMatch(/nn2 \(nn1 stands by\).*nn2, central with router r1/);
    expect((await textOf(externalState()))[4]).toContain('NOBODY: none of nn1, nn2 is elected');
  });

  it('says aloud what nobody does, and why', async () => {
    const text = externalText.replaceAll(', network_node: true', '').replace('60 }', '60, snat: false }')
      .replace('{ port: vm1 }', '{ port: vm3 }\n  203.0.113.7: {}').replace(' vlan: 500,', '');
    const lines = await textOf(run(externalState(text), { command: 'deletePort', name: 'vm3' }));
    expect(lines[1]).toContain('  physnet1 untagged  ');
    expect(lines[4]).toContain('  off, routed by NOBODY: no network node has an uplink  ');
    expect(lines.slice(7, 10)).toEqual([
      '203.0.113.101  ext      vm3   -          NOBODY: the port or its address is gone',
      '203.0.113.102  ext      vm2   10.2.0.12  NOBODY: router r1 has no network node',
      '203.0.113.7    ext      -     -          kept, nobody has it',
    ]);
  });

  it('says nothing of it where there is none', () => {
    expect(statusText(status(node('cn1', [])))).not.toMatch(/external|gateway|floating/);
  });
});
