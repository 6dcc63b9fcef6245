import { beforeEach, describe, expect, it } from 'vitest';
import { L3Agent } from '../../../src/agents/l3/l3-agent.js';
import { DvrError } from '../../../src/model/errors.js';
import { emptyFacts, type NamespaceFacts } from '../../../src/namespaces/namespace-facts.js';
import { routerNamespace } from '../../../src/namespaces/router-namespace.js';
import type { Hands } from '../../../src/namespaces/scripts.js';
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

  it('is left alone where the look took too long: the machine is busy enough', async () => {
    look = () => Promise.reject(new DvrError('DVR_TIMEOUT', 'too slow', ''));
    expect(await agent.look()).toEqual([]);
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
