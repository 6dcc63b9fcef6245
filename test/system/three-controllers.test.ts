/** Three controllers on one etcd: any of them answers, none of them matters, and nothing that they say is lost. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { controllers, type Controllers } from '../../src/agents/controllers.js';
import { Controller } from '../../src/controller/controller.js';
import { faultsOf } from '../../src/controller/invariants.js';
import type { Status } from '../../src/controller/status.js';
import { etcdAccess } from '../../src/controller/store/etcd-access.js';
import { EtcdStore } from '../../src/controller/store/etcd.js';
import type { NodeView } from '../../src/model/node-view.js';
import { ControllerProcess, type Answer } from '../support/controller-process.js';
import { Etcd } from '../support/etcd.js';

const kWithinMs = 20_000;
const topology = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
networks: { red: { vni: 101, subnets: [10.1.0.0/24] }, green: { vni: 102, subnets: [10.2.0.0/24] } }
routers: { r1: { networks: [red, green] } }
ports: { vm1: { network: red, node: cn1 }, vm2: { network: green, node: cn2 } }
`;

let etcd: Etcd;
let three: readonly ControllerProcess[];
let cn1: Agent;

/** The agent's own way to its controllers, without a node behind it: what it is told it has done. */
class Agent {
  view: NodeView | undefined;
  private readonly stream: Controllers;

  /** @param underlayMtu Another than the topology's is to be kept. */
  constructor(node: string, vtepIp: string, underlayMtu = 1600) {
    this.stream = controllers({
      addresses: three.map(({ socketPath }) => ({ address: `unix:${socketPath}` })),
      register: async () => Promise.resolve({ type: 'register', node, vtepIp, underlayMtu, version: 'test', generation: this.view?.generation ?? 0 }),
      view: () => this.view,
      onView: (view) => {
        this.view = view;
        const ports = view.localPorts.map(({ name }) => ({ name, state: 'up' as const }));
        this.stream.report({ node, generation: view.generation, ports, errors: [] });
      },
      onCall: () => Promise.resolve(undefined),
      announced: () => [],
      log: () => {},
    });
  }

  get ports(): string[] { return this.view?.localPorts.map(({ name }) => name) ?? []; }
  close(): void { this.stream.close(); }
}

const at = (n: number): ControllerProcess => three[n % three.length] as ControllerProcess;
const make = (n: number, plural: string, one: object): Promise<Answer> =>
  at(n).ask('POST', `/v2.0/${plural}`, JSON.stringify({ [plural.slice(0, -1)]: one }));
const idOf = ({ body }: Answer): string => (Object.values(body as object)[0] as { id: string }).id;
const list = async (n: number, plural: string): Promise<{ id: string; name: string }[]> =>
  ((await at(n).ask('GET', `/v2.0/${plural}`)).body as Record<string, { id: string; name: string }[]>)[plural] ?? [];
const statusOf = async (n: number): Promise<Status> => (await at(n).ask('GET', '/dvr/v1/status')).body as Status;

beforeAll(async () => {
  etcd = await Etcd.start();
  three = await Promise.all([0, 1, 2].map(() => ControllerProcess.start('--etcd', etcd.url)));
  expect((await at(0).ask('PUT', '/dvr/v1/topology', topology, 'text/yaml')).status).toBe(200);
  cn1 = new Agent('cn1', '172.16.0.11');
});
afterAll(async () => {
  cn1.close();
  await Promise.all(three.map((one) => one.end()));
  await etcd.end();
});

it('each shows at once what another has answered to', async () => {
  for (let n = 0; n < 20; n++) {
    const made = await make(n, 'networks', { name: `net${n}` });
    expect(made.status).toBe(201);
    const path = `/v2.0/networks/${idOf(made)}`;
    expect((await at(n + 1).ask('GET', path)).status).toBe(200);
    expect((await at(n + 2).ask('DELETE', path)).status).toBe(204);
    expect((await at(n).ask('GET', path)).status).toBe(404);
    // A name or address that another has just given back is free.
    expect((await at(n + 1).ask('PATCH', '/dvr/v1/ports/vm1', `{"ips":["10.1.0.${100 + n}"]}`)).status).toBe(200);
  }
});

it('lose nothing when all are written to at once, and give nothing twice', async () => {
  const [red] = (await list(0, 'networks')).filter(({ name }) => name === 'red');
  const answers = await Promise.all(Array.from({ length: 45 }, (_, n) => make(n, 'ports', { name: `at-once-${n}`, network_id: red?.id })));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  for (const n of [0, 1, 2]) {
    const ids = new Set((await list(n, 'ports')).map(({ id }) => id));
    expect(answers.filter((answer) => !ids.has(idOf(answer)))).toEqual([]);
  }
});

it('serve an agent together: any of them plugs a port in, and each knows that it was done', async () => {
  await expect.poll(async () => (await Promise.all([0, 1, 2].map(statusOf))).map(({ nodes }) => nodes[0]?.connected), { timeout: kWithinMs }).toEqual([true, true, true]);
  for (const n of [0, 1, 2]) {
    const attached = await at(n).ask('POST', `/dvr/v1/ports/c${n}/attach`, JSON.stringify({ network: 'red', node: 'cn1', pid: 4711 }));
    expect([attached.status, (attached.body as { state?: string }).state]).toEqual([200, 'up']);
  }
  expect(cn1.ports).toEqual(['c0', 'c1', 'c2']);
  await expect.poll(async () => (await Promise.all([0, 1, 2].map(statusOf))).map(({ nodes }) => [nodes[0]?.generation, nodes[0]?.viewGeneration]), { timeout: kWithinMs })
    .toEqual([0, 1, 2].map(() => [cn1.view?.generation, cn1.view?.generation]));
});

it('go on without one that is killed, also in the middle of what it does, and it comes back to the same state', async () => {
  const [red] = (await list(1, 'networks')).filter(({ name }) => name === 'red');
  const dying = Array.from({ length: 10 }, (_, n) =>
    make(0, 'ports', { name: `dying-${n}`, network_id: red?.id }).then((answer) => idOf(answer), () => undefined));
  await dying[0];
  await at(0).kill();
  const answered = (await Promise.all(dying)).filter((id) => id !== undefined);
  expect(answered.length).toBeGreaterThan(0);
  for (const n of [1, 2]) {
    const ids = (await list(n, 'ports')).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(answered));
    expect((await make(n, 'networks', { name: `after-${n}` })).status).toBe(201);
  }
  expect((await at(1).ask('POST', '/dvr/v1/ports/c0/detach')).status).toBe(204);
  expect(cn1.ports).toEqual(['c1', 'c2']);
  await at(0).run();
  expect((await list(0, 'ports')).map(({ id }) => id).sort()).toEqual((await list(1, 'ports')).map(({ id }) => id).sort());
  await expect.poll(async () => (await statusOf(0)).nodes[0]?.generation, { timeout: kWithinMs }).toBe(cn1.view?.generation);
});

it('refuse to write and to show while etcd is away, go on serving nodes, and need no restart afterwards', async () => {
  await etcd.kill();
  const refused = await at(1).ask('PATCH', '/dvr/v1/ports/vm1', '{"ips":["10.1.0.200"]}');
  expect([refused.status, refused.body]).toMatchObject([503, { code: 'DVR_STORE_UNREACHABLE' }]);
  const networks = await at(2).ask('GET', '/v2.0/networks');
  expect([networks.status, networks.body]).toMatchObject([503, { NeutronError: { type: 'ServiceUnavailable' } }]);
  const { store, nodes } = await statusOf(1);
  expect(store).toEqual({ where: `etcd at ${etcd.url}`, isShared: true, fault: expect.stringContaining('cannot be reached') as string });
  expect(nodes[0]).toMatchObject({ connected: true, generation: cn1.view?.generation });
  expect((await at(1).ask('GET', '/metrics')).body).toContain('\ndvr_store_faulty 1\n');
  const late = new Agent('cn2', '172.16.0.12', 1580);
  await expect.poll(() => late.view?.node.name, { timeout: kWithinMs }).toBe('cn2');
  await etcd.run();
  await expect.poll(async () => (await at(1).ask('POST', '/dvr/v1/ports/c1/detach')).status, { timeout: kWithinMs }).toBe(204);
  await expect.poll(() => cn1.ports, { timeout: kWithinMs }).toEqual(['c2']);
  expect((await at(2).ask('GET', '/v2.0/networks')).status).toBe(200);
  // What the agent said while it could not be kept is asked for again.
  const kept = await EtcdStore.open(etcdAccess(etcd.url, {}));
  await expect.poll(() => kept.get('node/cn2'), { timeout: kWithinMs }).toContain('"reportedMtuBytes":1580');
  await kept.close();
  late.close();
});

it('have left a state in which all is well', async () => {
  const controller = await Controller.open(await EtcdStore.open(etcdAccess(etcd.url, {})));
  expect(faultsOf(controller.intent)).toEqual([]);
  expect(controller.intent.ports.size).toBeGreaterThan(45);
  await controller.close();
});
