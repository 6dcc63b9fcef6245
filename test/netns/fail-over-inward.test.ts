/**
 * What comes in from outside while another network node takes over: connections to ports that are forwarded, whose
 * NAT state the new one has been told, and IPv6, which has none.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { requireRecord } from '../../src/lab/record.js';
import { mustBeZero, within } from '../support/cloud.js';
import { withLab } from '../support/lab.js';
import { outsideNames, secondNetworkNode, topologyWithOutside, untilPings, type OutsideNames } from '../support/outside.js';

const kShared = '203.0.113.150';
const kVm4 = '2001:db8:2::14';
const kHost = '2001:db8:f::a';
const topology = topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24, "2001:db8:2::/64"], mtu: 1500 }
routers:
  r1:
    networks: [red, green]
    gateway: ext
    port_forwardings:
      - { protocol: tcp, external_port: 8080, port: vm3, internal_port: 7777 }
      - { protocol: tcp, external_port: 8080, floating_ip: ${kShared}, port: vm3, internal_port: 7777 }
ports:
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ips: [10.2.0.14, "${kVm4}"] }
floating_ips: { ${kShared}: {} }
`, { nodes: secondNetworkNode, externalNetworks: { ext: {
  physical_network: 'physnet1',
  subnets: [{ cidr: '203.0.113.0/24', pool: '203.0.113.20-203.0.113.99' }, { cidr: '2001:db8:f::/64' }],
} } });

/** Sends back what it is told. */
const kServer = `require('net').createServer((s) => { s.on('error', () => {}); s.pipe(s); }).listen(7777, () => console.log('ready'))`;
/** Says one thing 20 times a second, "." whenever it comes back, and "!" when the connection is over. */
const kTalker = `const s = require('net').connect(8080, process.argv[1], () => { console.log('ready'); setInterval(() => s.write('x'), 50); });
  s.on('data', () => process.stdout.write('.')); s.on('error', () => {}); s.on('close', () => { process.stdout.write('!'); process.exit(0); });`;

describe('what comes in, with two network nodes', () => {
  const lab = withLab(topology);
  let out: OutsideNames;

  beforeAll(async () => {
    out = await outsideNames();
    const gateway = out.gateway.addresses.find((address) => address.includes(':'))?.split('/')[0] ?? '';
    await untilPings(lab, 'ext', out.qg.ip);
    // Nobody tells the world of tenants' prefixes.
    for (const place of ['ext', 'upstream'])
      mustBeZero(await lab.exec(place, ['ip', '-6', 'route', 'add', '2001:db8:2::/64', 'via', gateway, 'dev', 'eth0']));
    await untilPings(lab, 'vm4', kHost);
    await lab.start('vm3', [process.execPath, '-e', kServer]);
  });

  const owner = async (): Promise<string | undefined> => (await controllerClient().status()).routers.at(0)?.gateway?.node;
  const talk = async (address: string): Promise<() => string> => {
    const talker = await lab.start('ext', [process.execPath, '-e', kTalker, address]);
    let said = '';
    talker.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    return () => said;
  };

  it('goes on when the provider\'s wire of the one at work is cut: the same connections, and new ones', async () => {
    const talks = [await talk(out.qg.ip), await talk(kShared)];
    const heard = (): number => Math.min(...talks.map((said) => said().length));
    await within('both are answered', async () => heard() > 10);
    const node = await owner();
    const port = requireRecord().plan.outside?.ports.find(({ namespace }) => namespace === `dvr-${node}`)?.port ?? '';
    mustBeZero(await lab.exec('fabric', ['ip', 'link', 'set', port, 'down']));
    await within('another one is at work', async () => ![undefined, node].includes(await owner()));
    const before = talks.map((said) => said().length);
    await within('both are answered again', async () => talks.every((said, at) => said().length > (before[at] ?? 0) + 10));
    for (const [from, to] of [['vm4', kHost], ['ext', kVm4], ['upstream', kVm4]] as const) await untilPings(lab, from, to);
    const late = await talk(kShared);
    await within('a new one is answered', async () => late().length > 3);
    expect([...talks, late].map((said) => said().includes('!'))).toEqual([false, false, false]);
    mustBeZero(await lab.exec('fabric', ['ip', 'link', 'set', port, 'up']));
  });
});
