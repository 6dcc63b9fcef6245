import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeAgent, type NodeAgentParts } from '../../../src/agents/node-agent.js';
import { noIds } from '../../../src/agents/local-ids.js';
import type { AgentState } from '../../../src/agents/state.js';
import type { Dataplane, DeviceInfo, DeviceSpec } from '../../../src/dataplane/interface.js';
import type { NamespaceFacts, NamespaceWatch } from '../../../src/dataplane/native.js';
import { DvrError } from '../../../src/model/errors.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { emptyFacts } from '../../../src/namespaces/namespace-facts.js';
import { ScriptFailure, type Hands } from '../../../src/namespaces/scripts.js';
import { cn1Outside } from './outside.js';
import { cn1, mac, red, withNetwork } from './picture.js';

/** Everything the agent does to the world, in order. */
let did: string[];
/** Words of a deed that is to fail. */
let failing: string | undefined;

function act(deed: string, exitCode = 1): void {
  did.push(deed);
  if (failing !== undefined && deed.includes(failing)) {
    throw new DvrError('DVR_SCRIPT_FAILED', `${deed} failed`, '', { cause: new ScriptFailure(exitCode, deed) });
  }
}

const hands: Hands = {
  mirrorUp: async (name) => { act(`mirror ${name}`); },
  namespaceUp: async (namespace) => { act(`make ${namespace}`); },
  deviceUp: async (namespace, source, { name }) => { act(`into ${namespace} ${source} ${name}`); return true; },
  deviceDown: async (namespace, device) => { act(`delete ${namespace} ${device}`); },
  namespaceDown: async (namespace) => { act(`remove ${namespace}`); },
  look: async () => emptyFacts,
  nft: async (namespace) => { act(`nft ${namespace}`); },
  nftListing: async () => '',
  cut: async (namespace, { ip }) => { act(`cut ${namespace} ${ip}`); },
  batch: async (namespace, lines) => { act(`batch ${namespace} ${String(lines.length)}`); },
  attach: async ({ netns, pid, device }, inode) => {
    act(`attach ${netns ?? ''} ${device}`);
    if (pid !== undefined && inode !== statSync(`/proc/${String(pid)}/ns/net`, { throwIfNoEntry: false })?.ino) {
      throw new DvrError('DVR_SCRIPT_FAILED', 'another', '', { cause: new ScriptFailure(7, 'another') });
    }
  },
  detach: async ({ netns }) => { act(`detach ${netns ?? ''}`); },
  mtuOfAddress: async () => 1600,
};

/** A dataplane that remembers its devices and how many operations each batch had. */
function fakeDataplane(bootId: string, batches: number[]): Dataplane & { readonly open: Map<string, DeviceInfo> } {
  const open = new Map<string, DeviceInfo>();
  let nextFd = 100;
  const put = (spec: DeviceSpec): DeviceInfo => {
    const device = { spec, fds: [nextFd++], ifindex: 1, features: [] };
    open.set(spec.name, device);
    return device;
  };
  return {
    open,
    hello: async () => ({ pid: 1, version: '', bootId, generation: 0, devices: [...open.values()] }),
    openDevice: async (spec) => { act(`open ${spec.name}`); return put(spec); },
    reattachDevice: async () => undefined,
    adoptDevices: async (_pid, devices) => { act(`adopt ${String(devices.length)}`); return devices.map(({ spec }) => put(spec)); },
    closeDevice: async (name) => { act(`close ${name}`); open.delete(name); },
    apply: async (batch) => { batches.push(batch.length); act(`apply ${bootId}`); return { operations: 0, generation: 0 }; },
    counters: async () => ({ stages: {}, edges: {}, drops: {}, ports: {}, engine: {} }),
    tables: async () => [],
    setTrace: async () => {}, takeTrace: async () => ({ records: [], lost: 0 }), inject: async (portId) => { act(`inject ${String(portId)}`); },
    holdGates: async () => {}, onEvent: () => {}, close: async () => {},
  };
}

/** What is inside the router namespace; the test puts things there. */
let inside: NamespaceFacts;
const kNothing: NamespaceFacts = { links: [], qdiscs: [], rules: [], routes: [], nftTables: [], xtables: [] };

function insideOf(path: string): NamespaceWatch {
  act(`watch ${path}`);
  return { packetSockets: () => [], facts: () => inside, close: () => { act(`let go of ${path}`); } };
}

const kEmptyBatchBytes = 16;
let saved: AgentState;
let duplicates: Set<number>;
let batches: number[];
let parts: NodeAgentParts;
let agent: NodeAgent;
let dataplane: ReturnType<typeof fakeDataplane>;

beforeEach(async () => {
  [did, failing, batches, duplicates, inside] = [[], undefined, [], new Set(), kNothing];
  let nextFd = 10;
  parts = {
    node: 'cn1', hands, log: () => {},
    descriptors: {
      duplicateFd: () => { duplicates.add(nextFd); return nextFd++; },
      closeFd: (fd) => { if (!duplicates.delete(fd)) throw new Error(`${String(fd)} is not open`); },
    },
    tell: ({ namespace, ip }) => { act(`tell ${namespace} ${ip}`); },
    routerWatch: { open: (path) => insideOf(path) },
    save: async (state) => { saved = { ...saved, ...structuredClone(state) }; },
    saveView: async (view) => { saved = { ...saved, view: structuredClone(view) }; },
  };
  agent = new NodeAgent(parts, { ids: noIds, namespaces: [], plugs: [] });
  dataplane = fakeDataplane('first', batches);
  agent.setView(cn1);
  await agent.connect(dataplane);
  did = [];
});

afterEach(() => { vi.unstubAllEnvs(); });

describe('a node brought to its view', () => {
  it('is ready before any guest is plugged in, and says so', async () => {
    const report = await agent.reconcile(0);
    expect(did.indexOf('apply first')).toBeLessThan(did.indexOf('attach /run/netns/vm1 tap16'));
    expect(did.indexOf('into qrouter-r1 tap18 qr-red')).toBeLessThan(did.indexOf('apply first'));
    expect(report).toEqual({ node: 'cn1', generation: 7, ports: [{ name: 'vm1', state: 'up' }, { name: 'vm4', state: 'up' }], errors: [],
      routers: [{ id: 'r1', way: 'fast', why: 'routing is auto and nobody looks or rules inside' }] });
    expect(duplicates.size).toBe(7);
  });

  it('does nothing the second time but an empty batch', async () => {
    await agent.reconcile(0);
    did = [];
    await agent.reconcile(0);
    expect(did).toEqual(['apply first']);
    expect(batches.at(-1)).toBe(kEmptyBatchBytes);
  });

  it('reports a port whose namespace does not exist, and does everything else', async () => {
    failing = 'attach /run/netns/vm1';
    const report = await agent.reconcile(0);
    expect(report?.ports).toEqual([
      { name: 'vm1', state: 'error', error: 'attach /run/netns/vm1 tap16 failed' }, { name: 'vm4', state: 'up' },
    ]);
  });

  it('tells of a path as the user wrote it, not as this node reaches it', async () => {
    vi.stubEnv('DVR_HOST_ROOT', '/proc/239/root');
    failing = 'attach /proc/239/root/run/netns/vm1';
    const report = await agent.reconcile(0);
    expect([report?.ports[0]?.error, report?.errors.map(({ message }) => message)])
      .toEqual(['attach /run/netns/vm1 tap16 failed', ['attach /run/netns/vm1 tap16 failed']]);
  });

  it('tries a failed port again, though it was up before', async () => {
    await agent.reconcile(0);
    failing = 'attach /run/netns/vm1';
    agent.setView({ ...cn1, networks: cn1.networks.map((network) => ({ ...network, mtuBytes: 1400 })) });
    await agent.reconcile(0);
    failing = undefined;
    expect((await agent.reconcile(0))?.ports[0]).toEqual({ name: 'vm1', state: 'up' });
    expect(did.filter((deed) => deed.startsWith('attach /run/netns/vm1'))).toHaveLength(3);
  });

  it('sends no packet to a router whose namespace could not be built', async () => {
    failing = 'into qrouter-r1';
    const report = await agent.reconcile(0);
    const withoutRouter = batches.at(-1) ?? 0;
    expect(report?.errors).toHaveLength(1);
    failing = undefined;
    await agent.reconcile(0);
    expect(batches.at(-1)).toBeGreaterThan(kEmptyBatchBytes);
    expect(withoutRouter).toBeGreaterThan(kEmptyBatchBytes);
    expect(did).toContain('into qrouter-r1 tap18 qr-red');
  });

  it('keeps its numbers and what it has made on disk', async () => {
    await agent.reconcile(0);
    expect(saved).toMatchObject({ ids: { ports: { 'vm/vm1': 16 }, localVlans: { red: 1 } }, namespaces: ['qrouter-r1'], view: { generation: 7 } });
    expect(saved.plugs.map(({ port }) => port)).toEqual(['vm1', 'vm4']);
  });
});

describe('a node with a way out', () => {
  it('builds what a router sends to before the router, and tells of addresses once packets find their way', async () => {
    agent.setView(cn1Outside);
    expect((await agent.reconcile(0))?.errors).toEqual([]);
    const order = ['into fip-ext', 'into fip-ext fpr-r1', 'nft fip-ext', 'batch fip-ext', 'into qrouter-r1', 'nft qrouter-r1',
      'batch qrouter-r1', 'apply first', 'tell fip-ext 203.0.113.101', 'attach']
      .map((words) => did.findIndex((deed) => deed.startsWith(words)));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((left, right) => left - right));
    expect(did.filter((deed) => deed.startsWith('watch'))).toEqual(['watch /run/netns/fip-ext', 'watch /run/netns/qrouter-r1']);
  });

  it('takes it all away with the gateway, and cuts nothing that was never translated', async () => {
    agent.setView(cn1Outside);
    await agent.reconcile(0);
    did = [];
    agent.setView(cn1);
    await agent.reconcile(0);
    expect(did).toEqual(expect.arrayContaining(['delete qrouter-r1 rfp-r1', 'close fg/ext', 'delete fip-ext fg-ext', 'remove fip-ext']));
    expect(did.indexOf('apply first')).toBeLessThan(did.indexOf('close fg/ext'));
    expect(did.filter((deed) => deed.startsWith('cut') || deed.includes('snat-'))).toEqual([]);
    expect(saved.namespaces).toEqual(['qrouter-r1']);
  });

  it('goes on without a namespace that could not be built, and says why', async () => {
    failing = 'make fip-ext';
    agent.setView(cn1Outside);
    const report = await agent.reconcile(0);
    expect(report?.errors.map(({ message }) => message)).toEqual(['make fip-ext failed']);
    expect(report?.ports.map(({ state }) => state)).toEqual(['up', 'up']);
    expect(did.some((deed) => deed.startsWith('batch qrouter-r1 '))).toBe(true);
  });
});

describe('a device that is gone', () => {
  it('is closed everywhere, reported, and not opened again for the same attachment', async () => {
    await agent.reconcile(0);
    did = [];
    expect(agent.deviceGone({ event: 'device_gone', name: 'vm/vm1', portId: 16 })).toBe(true);
    await agent.closeLost();
    const report = await agent.reconcile(0);
    expect(did).toEqual(['close vm/vm1', 'apply first', 'detach /run/netns/vm1']);
    expect(duplicates.size).toBe(6);
    expect(report?.ports[0]).toEqual({ name: 'vm1', state: 'gone' });
  });

  it('is opened again when the port is attached elsewhere', async () => {
    await agent.reconcile(0);
    agent.deviceGone({ event: 'device_gone', name: 'vm/vm1', portId: 16 });
    await agent.closeLost();
    const [vm1, ...others] = cn1.localPorts;
    agent.setView({ ...cn1, localPorts: [{ ...vm1!, attachment: { pid: 4711, ifname: 'eth0' } }, ...others] });
    const report = await agent.reconcile(0);
    expect(report?.ports[0]).toEqual({ name: 'vm1', state: 'up' });
  });

  it('is built again at once where it was a router\'s', async () => {
    await agent.reconcile(0);
    did = [];
    agent.deviceGone({ event: 'device_gone', name: 'qr/r1/red', portId: 18 });
    await agent.closeLost();
    await agent.reconcile(0);
    expect(did).toEqual(expect.arrayContaining(['close qr/r1/red', 'open qr/r1/red', 'make qrouter-r1', 'into qrouter-r1 tap18 qr-red']));
  });
});

describe('a port plugged in by a process', () => {
  const here = { pid: process.pid, ifname: 'eth0' };
  const [vm1, ...others] = cn1.localPorts;
  const view = { ...cn1, localPorts: [{ ...vm1!, attachment: here }, ...others] };
  const next = async (state: AgentState): Promise<void> => {
    agent = new NodeAgent(parts, state);
    await agent.connect(fakeDataplane('second', batches));
  };

  it('is plugged in again by the next agent, while that process has the same namespace', async () => {
    agent.setView(view);
    await agent.reconcile(0);
    expect(saved.plugs[0]?.netnsInode).toBe(statSync('/proc/self/ns/net').ino);
    await next(saved);
    expect((await agent.reconcile(0))?.ports[0]).toEqual({ name: 'vm1', state: 'up' });
  });

  it('is gone, and not given to another process, when its pid was reused while the agent was away', async () => {
    agent.setView(view);
    await agent.reconcile(0);
    await next({ ...saved, plugs: saved.plugs.map((plug) => ({ ...plug, netnsInode: 4711 })) });
    await agent.reconcile(0);
    await agent.closeLost();
    did = [];
    expect((await agent.reconcile(0))?.ports[0]).toEqual({ name: 'vm1', state: 'gone' });
    expect(did.filter((deed) => deed.startsWith('attach'))).toEqual([]);
    agent.setView({ ...view, localPorts: others });
    agent.setView(view);
    expect((await agent.reconcile(0))?.ports[0]).toEqual({ name: 'vm1', state: 'up' });
  });
});

describe('a new dataplane', () => {
  it('gets all rows before the descriptors, so that no packet meets an empty table', async () => {
    await agent.reconcile(0);
    did = [];
    const full = batches[0] ?? 0;
    agent.disconnect();
    const next = fakeDataplane('second', batches);
    await agent.connect(next);
    await agent.reconcile(0);
    expect(did).toEqual(['apply second', 'adopt 7', 'apply second']);
    expect(batches.at(-2)).toBeGreaterThan(full);
    expect(batches.at(-1)).toBe(kEmptyBatchBytes);
    expect(next.open.size).toBe(7);
  });
});

describe('a router', () => {
  it('is looked into before the first rows say which way it goes, and let go of before it is removed', async () => {
    await agent.reconcile(0);
    expect(did.indexOf('watch /run/netns/qrouter-r1')).toBeLessThan(did.indexOf('apply first'));
    did = [];
    agent.setView({ ...cn1, routers: [] });
    await agent.reconcile(0);
    const close = did.indexOf('let go of /run/netns/qrouter-r1');
    expect(close).toBeGreaterThanOrEqual(0);
    expect(close).toBeLessThan(did.indexOf('remove qrouter-r1'));
  });

  it('goes through its namespace where something is in there that is not ours, and says so', async () => {
    inside = { ...kNothing, nftTables: [{ family: 1, name: 'mine' }] };
    const way = { id: 'r1', way: 'namespace', why: 'nft table inet mine is not ours' };
    expect((await agent.reconcile(0))?.routers).toEqual([way]);
    expect(agent.numbers().routers).toEqual([way]);
    inside = kNothing;
    agent.setView({ ...cn1, routers: cn1.routers.map((router) => ({ ...router, routing: 'fast' })) });
    expect((await agent.reconcile(0))?.routers).toEqual([{ id: 'r1', way: 'fast', why: 'routing is fast' }]);
  });
});

describe('a detached port', () => {
  it('is taken away after its rows, and the device in the namespace with it', async () => {
    await agent.reconcile(0);
    did = [];
    agent.setView({ ...cn1, localPorts: cn1.localPorts.map(({ attachment: _, ...port }) => port) });
    const report = await agent.reconcile(0);
    expect(did).toEqual(['apply first', 'close vm/vm1', 'close vm/vm4', 'detach /run/netns/vm1', 'detach /run/netns/vm4']);
    expect(report?.ports.map(({ state }) => state)).toEqual(['down', 'down']);
  });
});

describe('router advertisements', () => {
  const slaac = { cidr: 'fd01::/64', gatewayIp: 'fd01::1', ipv6: 'slaac' } as const;
  const advertising: NodeView = withNetwork(cn1, {
    ...red, subnets: [...red.subnets, slaac],
    routerInterfaces: [{ routerId: 'r1', mac: mac.redGateway, addresses: ['10.1.0.1/24', 'fd01::1/64'] }],
  });
  const injected = (): string[] => did.filter((deed) => deed.startsWith('inject'));

  it('are made when what they say changes, after the rows, and then only when it is time', async () => {
    await agent.reconcile(0);
    expect(injected()).toEqual([]);
    agent.setView(advertising);
    await agent.reconcile(0);
    const portId = saved.ids.ports['qr/r1/red'];
    expect(did.indexOf(`inject ${String(portId)}`)).toBeGreaterThan(did.indexOf('apply first'));
    await agent.reconcile(0);
    await agent.applyRows();
    expect(injected()).toHaveLength(1);
    await agent.advertise();
    expect(injected()).toEqual([`inject ${String(portId)}`, `inject ${String(portId)}`]);
  });

  it('that cannot be made stop nothing', async () => {
    agent.setView(advertising);
    failing = 'inject';
    const report = await agent.reconcile(0);
    expect(report?.errors).toEqual([]);
    agent.disconnect();
    await agent.advertise();
  });
});
