import { beforeEach, describe, expect, it } from 'vitest';
import { L3Agent } from '../../../src/agents/l3/l3-agent.js';
import { DvrError } from '../../../src/model/errors.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { applyDelta, diffView, type ViewDelta } from '../../../src/model/view-delta.js';
import { emptyFacts, type NamespaceFacts } from '../../../src/namespaces/namespace-facts.js';
import { routerNamespace } from '../../../src/namespaces/router-namespace.js';
import type { Hands } from '../../../src/namespaces/scripts.js';
import { tenantNeighbours } from '../../../src/namespaces/tenant-neighbours.js';
import { cn1 } from './picture.js';

const router = routerNamespace(cn1.routers[0]!, cn1);
const asBuilt: NamespaceFacts = {
  devices: router.devices.map(({ name, mac, mtuBytes, addresses }) => ({ name, mac, mtuBytes, addresses, isUp: true })),
  neighbours: router.neighbours, routes: router.routes, rules: [], nft: '',
};
let did: string[];
/** What the kernel has. */
let look: () => Promise<NamespaceFacts>;
/** Devices that come in anew. */
let taken: readonly string[];
let agent: L3Agent;

const hands = {
  namespaceUp: async () => { did.push('up'); },
  deviceUp: async (_namespace, _source, { name }) => { did.push(name); return taken.includes(name); },
  batch: async (_namespace, lines) => { did.push(`${String(lines.length)} lines`); },
  look: () => look(),
} satisfies Partial<Hands> as unknown as Hands;
const build = (): Promise<void> => agent.build(router, () => 'tap18');

beforeEach(async () => {
  agent = new L3Agent(hands, () => {});
  look = async () => asBuilt;
  taken = [];
  did = [];
  await build();
  did = [];
});

describe('a port more in a network of thousands', () => {
  const bound = Array.from({ length: 5000 }, (_, at) => ({
    name: `p${String(at).padStart(4, '0')}`, mac: 'fa:16:3e:00:00:99', ips: [`10.1.${String((at >> 7) + 1)}.${String(at & 127)}`],
    node: 'cn2', allowedAddressPairs: [],
  }));
  const wide = (ports: typeof bound): NodeView => ({
    ...cn1, networks: cn1.networks.map((network) => (network.name === 'red' ? { ...network, ports } : network)),
    routers: cn1.routers.map((router) => ({
      ...router, interfaces: router.interfaces.map((to) => ({ ...to, addresses: to.addresses.map((ip) => ip.replace('/24', '/16')) })),
    })),
  });
  const routerOf = (view: NodeView) => routerNamespace(view.routers[0]!, view);
  const one = { ...bound[0]!, name: 'last', ips: ['10.1.99.1'] };
  const [before, after] = [wide(bound), wide([...bound, one])];

  it('costs its own row of the router, and nothing is built or asked', async () => {
    agent.forget();
    look = async () => emptyFacts;
    await agent.build(routerOf(before), () => 'tap18');
    expect(did).toContain(`${String(routerOf(before).neighbours.length + routerOf(before).routes.length)} lines`);
    expect(routerOf(before).neighbours.length).toBeGreaterThan(5000);
    did = [];
    await agent.build(routerOf(after), () => 'tap18');
    expect(did).toEqual(['1 lines']);
  });

  it('comes by a change of the view that leaves what other networks are made of the same objects', () => {
    const next = applyDelta(before, JSON.parse(JSON.stringify(diffView(before, after))) as ViewDelta);
    const onGreen = (view: NodeView) => tenantNeighbours('qr-green', view.networks.find(({ name }) => name === 'green')!, ['10.2.0.1/24']);
    expect(next).toEqual(after);
    expect(onGreen(next!)).toBe(onGreen(before));
  });
});

describe('a router that somebody changes by hand', () => {
  it('is left alone while it is as it was built', async () => {
    expect(await agent.look()).toEqual([]);
    await build();
    expect(did).toEqual([]);
  });

  it('is built again where its neighbours went with a device that was set down and up', async () => {
    look = async () => ({ ...asBuilt, neighbours: router.neighbours.filter(({ device }) => device === 'qr-red') });
    expect(await agent.look()).toEqual(['qrouter-r1: it has other neighbours']);
    await build();
    expect(did).toEqual(['up', 'qr-red', 'qr-green', '2 lines']);
  });

  it('has neighbours and routes again on a device that took the place of one whose owners both died', async () => {
    taken = ['qr-red'];
    agent.forget();
    await build();
    const onRed = [...router.neighbours, ...router.routes].filter(({ device }) => device === 'qr-red').length;
    expect(onRed).toBeGreaterThan(0);
    expect(did).toEqual(['up', 'qr-red', 'qr-green', `${String(onRed)} lines`]);
  });

  it('is built again where the namespace is gone', async () => {
    look = () => Promise.reject(new DvrError('DVR_SCRIPT_FAILED', 'Cannot open network namespace "qrouter-r1"', ''));
    expect(await agent.look()).toEqual(['qrouter-r1: Cannot open network namespace "qrouter-r1"']);
  });

  it('is left alone where the look took too long, for the machine is busy enough, and looked at once more', async () => {
    look = () => Promise.reject(new DvrError('DVR_TIMEOUT', 'too slow', ''));
    expect(await agent.look()).toEqual([]);
    expect([...agent.takeUnsure()]).toEqual(['qrouter-r1']);
  });

  it('is not judged by a look during which it was built anew', async () => {
    look = async () => {
      look = async () => asBuilt;
      agent.forget();
      await build();
      return { ...asBuilt, neighbours: [] };
    };
    expect(await agent.look()).toEqual([]);
  });
});

describe('a namespace that is being built while it is looked at', () => {
  it('is to be looked at once more, for whoever changed it then is heard once only', async () => {
    let isBuilt = (): void => {};
    const slow = { ...hands, namespaceUp: () => new Promise<void>((done) => { isBuilt = done; }) } as unknown as Hands;
    agent = new L3Agent(slow, () => {});
    const building = agent.build(router, () => 'tap18');
    expect(await agent.look(new Set(['qrouter-r1']))).toEqual([]);
    isBuilt();
    await building;
    expect([...agent.takeUnsure()]).toEqual(['qrouter-r1']);
    expect([...agent.takeUnsure()]).toEqual([]);
    expect(await agent.look(new Set(['qrouter-r1']))).toEqual([]);
    expect([...agent.takeUnsure()]).toEqual([]);
  });
});
