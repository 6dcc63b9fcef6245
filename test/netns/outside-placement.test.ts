/** Which node has which of the namespaces that lead outside, while the topology changes and agents die. */
import { describe, expect, it } from 'vitest';
import { mustBeZero, putTopology, wayOf, within } from '../support/cloud.js';
import { dvr, withLab } from '../support/lab.js';
import { secondNetworkNode, topologyWithOutside } from '../support/outside.js';

const topology = (gateway: string, floatingIps: string): string => topologyWithOutside(`
networks:
  red: { vni: 101, mtu: 1500, subnets: [10.1.0.0/24] }
  green: { vni: 102, mtu: 1500, subnets: [10.2.0.0/24] }
routers:
  r1: { networks: [red, green]${gateway} }
floating_ips: { ${floatingIps} }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
`, { nodes: secondNetworkNode });
const onNode = (node: string): string => `, gateway: { network: ext, node: ${node}, ip: 203.0.113.20 }`;
const kFips = '203.0.113.101: { port: vm1 }';

describe('the namespaces that lead outside', () => {
  const lab = withLab(topology(onNode('nn1'), kFips));
  const at = async (node: string, ...argv: string[]): Promise<string> => mustBeZero(await lab.exec(node, argv)).stdout;
  const namespaces = async (node: string): Promise<string[]> =>
    (await at(node, 'ip', 'netns')).split('\n').map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '').sort();
  const redirects = (node: string): Promise<string> => at(node, 'ip', '-netns', 'qrouter-r1', 'rule');

  it('are where the view says, and leave the fast way open', async () => {
    expect(await namespaces('cn1')).toEqual(['fip-ext', 'qrouter-r1']);
    expect(await namespaces('nn1')).toEqual(expect.arrayContaining(['qrouter-r1', 'snat-r1']));
    expect(await namespaces('nn2')).toEqual(expect.arrayContaining(['qrouter-r1', 'snat-r1']));
    expect(await wayOf('cn1')).toMatch(/^fast: /);
  });

  it('lead from a VM of another node to the SNAT namespace, by the router\'s copy beside it (NS1 to NS8)', async () => {
    expect(await lab.ping('vm3', '203.0.113.20')).toBe(3);
  });

  it('move with the gateway, while redirects stay as they are (checklist 45)', async () => {
    const before = await redirects('cn1');
    await putTopology(topology(onNode('nn2'), kFips));
    await within('nn2 does it', async () => (await dvr('status')).stdout.includes(' nn2 (nn1 stands by) '));
    expect(await redirects('cn1')).toBe(before);
    await within('vm3 is answered from nn2', async () => (await lab.ping('vm3', '203.0.113.20')) === 3);
  });

  it('stay as they are while an agent dies, and are what the next one finds (checklist 53)', async () => {
    const before = [await redirects('cn1'), await at('cn1', 'ip', '-netns', 'fip-ext', 'route')];
    const devices = await at('cn1', 'ip', '-netns', 'qrouter-r1', '-brief', 'link');
    const pid = (await dvr('lab', 'status')).stdout.split('\n').map((line) => line.split(/ +/)).find(([name]) => name === 'cn1')?.[4];
    process.kill(Number(pid), 'SIGKILL');
    await within('cn1 has another agent', async () => / connected /.test((await dvr('status')).stdout.split('\n').find((line) => /^cn1 .*fa:16:3f/.test(line)) ?? ''));
    expect([await redirects('cn1'), await at('cn1', 'ip', '-netns', 'fip-ext', 'route')]).toEqual(before);
    expect(await at('cn1', 'ip', '-netns', 'qrouter-r1', '-brief', 'link')).toBe(devices);
  });

  it('go with the gateway, with all that led there (checklist 46)', async () => {
    await putTopology(topology('', ''));
    await within('no way out is left', async () =>
      (await Promise.all(['cn1', 'cn2', 'nn1', 'nn2'].map(namespaces))).flat().every((name) => name === 'qrouter-r1'));
    await within('nothing leads there', async () => !/proto 200/.test(await redirects('cn1')));
    expect(await at('cn1', 'ip', '-netns', 'qrouter-r1', '-brief', 'link')).not.toContain('rfp');
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });
});
