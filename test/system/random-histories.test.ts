/**
 * Random histories: clients change the cloud in any order, VMs come, go and move, agents and dataplanes are killed in
 * between. After each stretch of it every node has exactly what it should, and those VMs can ping each other that the
 * picture of the cloud says can: a model that knows nothing of how it is done.
 *
 * The seed is printed; DVR_SEED repeats a history.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { killAndWait, statusNow, until } from '../support/facts.js';
import { type Ran, run, withLab } from '../support/lab.js';
import { kApi } from '../support/openstack.js';

const nodesOnly = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes:
  cn1: { vtep: 172.16.0.11 }
  cn2: { vtep: 172.16.0.12 }
  cn3: { vtep: 172.16.0.13 }
`;
const nodes = ['cn1', 'cn2', 'cn3'] as const;
const kStretches = 4;
const kStepsPerStretch = 9;
const kMostNetworks = 3;
const kMostRouters = 2;
const kMostVms = 6;
const kCommandMs = 30_000;
const kTestMs = 280_000;

interface Vm { readonly name: string; readonly id: string; readonly network: number; isUp: boolean }
interface Net { readonly number: number; readonly id: string; readonly subnet: string; router?: Router; isUp: boolean }
interface Router { readonly id: string; isUp: boolean }

/** xorshift32: the same seed, the same history. */
function random(seed: number): (below: number) => number {
  let state = seed || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const seed = Number(process.env['DVR_SEED'] ?? Date.now() % 2 ** 31);
const pick = random(seed);
const oneOf = <One>(all: readonly One[]): One | undefined => all[pick(all.length)];

async function ask(method: string, path: string, body?: object): Promise<Record<string, { readonly id: string }>> {
  const answer = await fetch(`${kApi}/v2.0${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? {} : JSON.parse(text) as Record<string, { readonly id: string }>;
}
const made = async (singular: string, fields: object): Promise<string> =>
  (await ask('POST', `/${singular}s`, { [singular]: fields }))[singular]?.id ?? '';

describe('a random history', () => {
  const lab = withLab(nodesOnly);
  const networks: Net[] = [];
  const routers: Router[] = [];
  const vms: Vm[] = [];
  const diary: string[] = [];
  let count = 0;

  const ok = async (...words: string[]): Promise<Ran> => {
    const ran = await lab.dvr(...words);
    if (ran.code !== 0) throw new Error(`dvr ${words.join(' ')}: ${ran.stderr}`);
    return ran;
  };
  const switchTo = async (singular: string, thing: { readonly id: string; isUp: boolean }): Promise<string> => {
    thing.isUp = !thing.isUp;
    await ask('PUT', `/${singular}s/${thing.id}`, { [singular]: { admin_state_up: thing.isUp } });
    return `${singular} ${thing.id} ${thing.isUp ? 'on' : 'off'}`;
  };
  const connected = async (node: string): Promise<boolean> =>
    (await statusNow()).nodes.some((one) => one.name === node && one.connected);
  const plug = async (vm: Vm): Promise<void> => {
    const node = oneOf(nodes) ?? 'cn1';
    // Clients change what they like while agents are away; to plug something in takes the node's.
    await until(`the agent of ${node} is back`, () => connected(node));
    await ok('port', 'attach', vm.id, '--node', node, '--netns', `/run/netns/${vm.name}`);
  };

  afterAll(async () => {
    for (const { name } of vms) await run('ip', ['netns', 'del', name], kCommandMs);
  });

  /** What a history is made of; a step that is impossible now is passed over. */
  const steps: Readonly<Record<string, () => Promise<string | undefined>>> = {
    network: async () => {
      if (networks.length >= kMostNetworks) return undefined;
      const number = ++count;
      const id = await made('network', { name: `net${number}` });
      const subnet = await made('subnet', { network_id: id, ip_version: 4, cidr: `10.${number}.0.0/24` });
      networks.push({ number, id, subnet, isUp: true });
      return `network ${number}`;
    },
    router: async () => {
      if (routers.length >= kMostRouters) return undefined;
      routers.push({ id: await made('router', { name: `router${++count}` }), isUp: true });
      return 'router';
    },
    join: async () => {
      const [net, router] = [oneOf(networks.filter((one) => one.router === undefined)), oneOf(routers)];
      if (net === undefined || router === undefined) return undefined;
      await ask('PUT', `/routers/${router.id}/add_router_interface`, { subnet_id: net.subnet });
      net.router = router;
      return `network ${net.number} joined`;
    },
    leave: async () => {
      const net = oneOf(networks.filter((one) => one.router !== undefined));
      if (net?.router === undefined) return undefined;
      await ask('PUT', `/routers/${net.router.id}/remove_router_interface`, { subnet_id: net.subnet });
      delete net.router;
      return `network ${net.number} left`;
    },
    vm: async () => {
      const net = oneOf(networks);
      if (net === undefined || vms.length >= kMostVms) return undefined;
      const name = `guest${++count}`;
      const vm = { name, id: await made('port', { name, network_id: net.id }), network: net.number, isUp: true };
      expect(await run('ip', ['netns', 'add', name], kCommandMs)).toMatchObject({ code: 0 });
      await plug(vm);
      vms.push(vm);
      return `${name} in network ${net.number}`;
    },
    move: async () => {
      const vm = oneOf(vms);
      if (vm === undefined) return undefined;
      const { ports } = await statusNow();
      const from = ports.find(({ id }) => id === vm.id)?.node;
      if (from !== undefined) await until(`the agent of ${from} is back`, () => connected(from));
      await ok('port', 'detach', vm.id);
      await plug(vm);
      return `${vm.name} moved`;
    },
    gone: async () => {
      const vm = oneOf(vms);
      if (vm === undefined || vms.length < 3) return undefined;
      await ask('DELETE', `/ports/${vm.id}`);
      await run('ip', ['netns', 'del', vm.name], kCommandMs);
      vms.splice(vms.indexOf(vm), 1);
      return `${vm.name} gone`;
    },
    port: async () => { const vm = oneOf(vms); return vm && await switchTo('port', vm); },
    net: async () => { const net = oneOf(networks); return net && await switchTo('network', net); },
    copy: async () => { const router = oneOf(routers); return router && await switchTo('router', router); },
    agent: async () => { const node = oneOf(nodes) ?? 'cn1'; await killAndWait(`agent ${node}`); return `agent ${node} killed`; },
    dataplane: async () => { const node = oneOf(nodes) ?? 'cn1'; await killAndWait(`dataplane ${node}`); return `dataplane ${node} killed`; },
    controller: async () => { await killAndWait('controller'); await until('the API answers', isAnswering); return 'controller killed'; },
  };

  const isAnswering = async (): Promise<boolean> => {
    try {
      await ask('GET', '/networks?limit=1');
      return true;
    } catch {
      return false;
    }
  };

  /** Who may talk to whom, by the picture alone. */
  function mayTalk(from: Vm, to: Vm): boolean {
    const [here, there] = [from, to].map((vm) => networks.find(({ number }) => number === vm.network));
    if (!from.isUp || !to.isUp || here?.isUp !== true || there?.isUp !== true) return false;
    return here === there || (here.router !== undefined && here.router === there.router && here.router.isUp);
  }

  async function reached(): Promise<readonly string[]> {
    const { ports } = await statusNow();
    const ip = new Map(ports.map((port) => [port.id, port.ips[0] ?? '']));
    const pairs = vms.flatMap((from) => vms.filter((to) => to !== from).map((to) => [from, to] as const));
    const found = await Promise.all(pairs.map(async ([from, to]) => {
      const ping = ['netns', 'exec', from.name, 'ping', '-c', '1', '-W', '1', ip.get(to.id) ?? ''];
      return (await run('ip', ping, kCommandMs)).code === 0 ? [`${from.name} ${to.name}`] : [];
    }));
    return found.flat().sort();
  }

  const expected = (): readonly string[] =>
    vms.flatMap((from) => vms.filter((to) => to !== from && mayTalk(from, to)).map((to) => `${from.name} ${to.name}`)).sort();

  it.each(Array.from({ length: kStretches }, (_, at) => at + 1))('leaves what it should, stretch %i', async (stretch) => {
    if (stretch === 1) for (const step of ['network', 'network', 'router', 'join', 'join', 'vm', 'vm', 'vm', 'vm']) await steps[step]?.();
    const kinds = Object.keys(steps);
    for (let done = 0; done < kStepsPerStretch;) {
      const said = await steps[oneOf(kinds) ?? 'vm']?.();
      if (said === undefined) continue;
      diary.push(said);
      ++done;
    }
    diary.push(`end of stretch ${stretch}`);
    const story = `DVR_SEED=${seed}: ${diary.join(', ')}`;
    await until(`every node has its view; ${story}`, async () => (await statusNow()).converged);
    // What is mended by the nodes themselves is mended within a second or two.
    let differences = await lab.dvr('diff');
    for (let tries = 0; tries < 20 && differences.code !== 0; tries++) differences = await lab.dvr('diff');
    expect(differences, story).toMatchObject({ code: 0 });
    let now = await reached();
    // A guest's own neighbour entry may be of before the last step, and is asked anew.
    for (let tries = 0; tries < 5 && now.join() !== expected().join(); tries++) now = await reached();
    expect(now, story).toEqual(expected());
    if (stretch === kStretches) console.log(story);
  }, kTestMs);
});
