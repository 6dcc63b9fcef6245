/**
 * The picture of the README, made by the unmodified clients of OpenStack: Debian's `openstack` command without
 * Keystone builds it from nodes and a provider's wire, and traffic flows; gophercloud does what Terraform does.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { statusNow, until } from '../support/facts.js';
import { type Ran, run, withLab } from '../support/lab.js';
import { kApi, openStack, type Shown } from '../support/openstack.js';

/** Machines and a wire; the external network is there because the lab builds the world outside by it. */
const nodesAndWire = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes:
  cn1: { vtep: 172.16.0.11, provider: { physnet1: ex0 } }
  cn2: { vtep: 172.16.0.12, provider: { physnet1: ex0 } }
  nn1: { vtep: 172.16.0.21, provider: { physnet1: ex0 }, network_node: true }
  nn2: { vtep: 172.16.0.22, provider: { physnet1: ex0 }, network_node: true }
external_networks:
  world: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24, gateway: 203.0.113.1 }] }
`;
/** What a VM serves. */
const kPage = "require('node:http').createServer((q, a) => a.end('hello')).listen(80, () => console.log('ready'))";
const kCompileMs = 120_000;
const root = fileURLToPath(new URL('../..', import.meta.url));
const vms = { vm1: 'cn1', vm2: 'cn2', vm3: 'cn2', vm4: 'cn1' } as const;

const names = (rows: Shown): unknown[] => rows.map(({ Name: name }) => name).sort();

const picture = [
  'network delete world',
  'network create ext --external --provider-network-type flat --provider-physical-network physnet1',
  'subnet create ext4 --network ext --subnet-range 203.0.113.0/24 --gateway 203.0.113.1 --no-dhcp'
    + ' --allocation-pool start=203.0.113.20,end=203.0.113.99',
  'network create red --mtu 1500 --provider-network-type vxlan --provider-segment 101',
  'network create green --mtu 1500 --tag painted',
  'subnet create red4 --network red --subnet-range 10.1.0.0/24',
  'subnet create green4 --network green --subnet-range 10.2.0.0/24',
  'router create r1 --distributed',
  'router add subnet r1 red4',
  'router add subnet r1 green4',
  'router set r1 --external-gateway ext',
  'port create vm1 --network red --fixed-ip subnet=red4,ip-address=10.1.0.11',
  'port create vm2 --network green --fixed-ip ip-address=10.2.0.12',
  'port create vm3 --network red --fixed-ip subnet=red4,ip-address=10.1.0.13 --description third',
  'port create vm4 --network green --fixed-ip ip-address=10.2.0.14',
  'floating ip create ext --port vm1 --floating-ip-address 203.0.113.101',
];

describe('the openstack command', () => {
  const lab = withLab(nodesAndWire);
  const cloud = openStack();
  const inside = (vm: string, ...argv: string[]): Promise<Ran> => lab.exec(vm, argv);

  beforeAll(async () => {
    expect(await cloud.script(...picture)).toBe('');
    for (const [vm, node] of Object.entries(vms))
      expect(await lab.dvr('lab', 'vm', 'add', '--port', vm, '--node', node)).toMatchObject({ code: 0 });
    await until('every node has what it needs', async () => (await statusNow()).converged);
    await until('nn1 is elected', async () => (await statusNow()).routers[0]?.gateway?.node === 'nn1');
  }, kCompileMs);

  it('builds the picture, and finds what it built by every kind of question', async () => {
    const lists = await cloud.answers(
      'network list', 'network list --external', 'network list --tags painted', 'port list --network red --fixed-ip ip-address=10.1.0.11',
      'router list --long', 'port list --host cn2', 'subnet list --network green', 'port list --mac-address FA:16:3E:FF:FF:FF',
    );
    expect(lists.map(names)).toEqual([['ext', 'green', 'red'], ['ext'], ['green'], ['vm1'], ['r1'], expect.arrayContaining(['vm2', 'vm3']), ['green4'], []]);
    const [router, red, vm1] = await cloud.answers('router show r1', 'network show red', 'port show vm1');
    expect(router).toMatchObject({ distributed: true, status: 'ACTIVE', external_gateway_info: { enable_snat: true } });
    // In each network the router itself, and its device in the SNAT namespace.
    expect(router?.['interfaces_info']).toHaveLength(4);
    expect(red).toMatchObject({ mtu: 1500, 'provider:segmentation_id': 101, status: 'ACTIVE' });
    expect(vm1).toMatchObject({ status: 'ACTIVE', binding_host_id: 'cn1' });
  });

  it('has made what packets flow through, between networks and nodes, out and in', async () => {
    for (const [from, to] of [['vm1', '10.2.0.12'], ['vm3', '10.2.0.14'], ['vm2', '10.1.0.11'], ['vm3', '198.51.100.9']] as const)
      expect.soft(await inside(from, 'ping', '-c', '2', '-W', '2', to), `${from} to ${to}`).toMatchObject({ code: 0 });
    const asked = await inside('vm1', 'curl', '-s', '-m', '5', 'http://198.51.100.9/');
    expect(asked.stdout).toContain('you are 203.0.113.101 port');
    expect(await lab.ping('ext', '203.0.113.101')).toBe(3);
  });

  it('lists agents, zones, extensions and addresses', async () => {
    const [agents, ofRouter, zones, extensions, addresses] = await cloud.answers(
      'network agent list --agent-type l3', 'network agent list --router r1', 'availability zone list --network',
      'extension list --network', 'ip availability list',
    );
    expect(agents?.map(({ Host, Alive }) => `${String(Host)} ${String(Alive)}`).sort()).toEqual(['cn1 true', 'cn2 true', 'nn1 true', 'nn2 true']);
    expect(ofRouter).toMatchObject([{ Host: 'nn1' }]);
    expect(zones).toMatchObject([{ 'Zone Name': 'nova' }, {}]);
    expect(extensions?.length).toBeGreaterThan(10);
    expect(addresses).toContainEqual(expect.objectContaining({ 'Network Name': 'red', 'Used IPs': 4 }));
  });

  it('is told in Neutron\'s words what cannot be, and fails', async () => {
    const said = await cloud.script(
      'subnet create red5 --network red --subnet-range 10.1.0.128/25', 'network delete red', 'router delete r1', 'router remove subnet r1 red4',
      'port create x --network red --fixed-ip ip-address=10.1.0.11', 'network show nothing',
    );
    for (const words of [
      'overlaps with another subnet', 'There are one or more ports still in use on the network', 'has ports still attached',
      'as it is required by one or more floating IPs', 'IP address 10.1.0.11 already allocated in subnet', 'No Network found for nothing',
    ]) expect.soft(said).toContain(words);
    expect(await cloud.ask('network', 'show', 'nothing')).toMatchObject({ code: 1 });
  });

  it('gets a token from the identity service, and projects to name', async () => {
    const listed = await cloud.askAsSomebody('network', 'list', '--project', 'admin', '-f', 'json');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect((JSON.parse(listed.stdout) as { Name: string }[]).map(({ Name }) => Name)).toContain('red');
  });

  it('changes what is there, and packets follow', async () => {
    expect(await cloud.script(
      'floating ip unset --port 203.0.113.101',
      'floating ip set --port vm2 203.0.113.101',
      'port set vm1 --name web --allowed-address ip-address=10.1.0.200',
      'router add route r1 --route destination=10.9.0.0/24,gateway=10.1.0.13',
      'network set red --description painted',
    )).toBe('');
    await until('every node has what it needs', async () => (await statusNow()).converged);
    expect((await inside('vm2', 'curl', '-s', '-m', '5', 'http://198.51.100.9/')).stdout).toContain('you are 203.0.113.101 port');
    const [router] = await cloud.answers('router show r1');
    expect(router?.['routes']).toEqual([{ destination: '10.9.0.0/24', nexthop: '10.1.0.13' }]);
  });

  it('moves source NAT to the agent that is given the router', async () => {
    const snatNode = async (): Promise<string | undefined> => (await statusNow()).routers.find(({ id }) => id === 'r1')?.gateway?.node;
    const [agents] = await cloud.answers('network agent list --agent-type l3 --host nn2');
    expect(await cloud.script(`network agent add router --l3 ${String(agents?.[0]?.['ID'])} r1`)).toBe('');
    await until('nn2 does it', async () => (await snatNode()) === 'nn2');
    expect(await cloud.answers('network agent list --router r1')).toMatchObject([[{ Host: 'nn2' }]]);
    expect(await inside('vm3', 'ping', '-c', '2', '-W', '2', '198.51.100.9')).toMatchObject({ code: 0 });
    expect(await cloud.script(`network agent remove router --l3 ${String(agents?.[0]?.['ID'])} r1`)).toBe('');
    await until('nn1 does it again', async () => (await snatNode()) === 'nn1');
  });

  it('forwards single ports of a floating IP', async () => {
    expect(await cloud.script(
      'floating ip unset --port 203.0.113.101',
      'floating ip port forwarding create 203.0.113.101 --port vm4 --internal-ip-address 10.2.0.14 --internal-protocol-port 80'
        + ' --external-protocol-port 8080 --protocol tcp',
    )).toBe('');
    const [forwardings] = await cloud.answers('floating ip port forwarding list 203.0.113.101');
    expect(forwardings).toMatchObject([{ 'Internal Port': 80, 'External Port': 8080, Protocol: 'tcp', 'Internal IP Address': '10.2.0.14' }]);
    await until('every node has what it needs', async () => (await statusNow()).converged);
    await lab.start('vm4', [process.execPath, '-e', kPage]);
    expect((await lab.exec('ext', ['curl', '-s', '-m', '5', 'http://203.0.113.101:8080/'])).stdout).toBe('hello');
    const id = String(forwardings?.[0]?.['ID']);
    expect(await cloud.script(`floating ip port forwarding delete 203.0.113.101 ${id}`)).toBe('');
    expect(await cloud.answers('floating ip port forwarding list 203.0.113.101')).toEqual([[]]);
  });

  it('takes all of it away again', async () => {
    for (const vm of Object.keys(vms)) expect(await lab.dvr('lab', 'vm', 'remove', vm)).toMatchObject({ code: 0 });
    expect(await cloud.script(
      'floating ip delete 203.0.113.101',
      'router unset r1 --route destination=10.9.0.0/24,gateway=10.1.0.13',
      'router unset --external-gateway r1',
      'router remove subnet r1 red4', 'router remove subnet r1 green4',
      'router delete r1', 'port delete web', 'port delete vm2 vm3 vm4', 'network delete red green ext',
    )).toBe('');
    expect(await cloud.answers('network list', 'subnet list', 'port list', 'router list', 'floating ip list')).toEqual([[], [], [], [], []]);
  });
});

describe('gophercloud', () => {
  withLab(nodesAndWire);

  it('does all that Terraform does, and takes every code', async () => {
    const folder = join(root, '.toolchain/gophercloud');
    mkdirSync(folder, { recursive: true });
    const program = join(folder, 'sequence');
    const built = await run('env', [
      '-C', join(root, 'test/system/gophercloud'), 'GO111MODULE=off', 'GOFLAGS=', 'GOPATH=/usr/share/gocode', `GOCACHE=${join(folder, 'cache')}`,
      'go', 'build', '-o', program,
    ], kCompileMs);
    expect(built).toMatchObject({ code: 0, stderr: '' });
    const ran = await run(program, [kApi], kCompileMs);
    expect(ran.stdout.trim().split('\n').at(-1), ran.stdout + ran.stderr).toBe('done');
  });
});
