/** The controller's doors, through real sockets: people ask over HTTP, a fake agent speaks the stream. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { closeCodes } from '../../../src/controller/agent-session.js';
import { Controller } from '../../../src/controller/controller.js';
import { silentLog } from '../../../src/controller/log.js';
import { startServer, type RunningServer } from '../../../src/controller/server.js';
import type { Status } from '../../../src/controller/status.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import { externalText } from './external.js';
import { FakeAgent } from './fake-agent.js';
import { apply, seedText } from './support.js';

const vteps: Readonly<Record<string, string>> = {
  cn1: '172.16.0.11',
  cn2: '172.16.0.12',
  nn1: '172.16.0.21',
};
/** Long enough for a busy machine, short enough to wait for. */
const WAIT_MS = 300;

let folder: string;
let socketPath: string;
let controller: Controller;
let server: RunningServer;
let agents: FakeAgent[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-server-'));
  socketPath = join(folder, 'controller.sock');
  controller = await Controller.open(await LevelStore.open(join(folder, 'store')));
  await controller.execute(apply(seedText));
  server = await startServer({
    controller,
    socketPath,
    log: silentLog,
    attachWaitMs: WAIT_MS,
    callDeadlineMs: WAIT_MS,
  });
  agents = [];
});
afterEach(async () => {
  for (const agent of agents) agent.close();
  await server.close();
  await controller.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Record<string, unknown>;
}

function ask(
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        method,
        path: `/dvr/v1${path}`,
        headers: body === undefined ? {} : { 'content-type': type },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(
      body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    );
  });
}

const status = async (): Promise<Status> => (await ask('GET', '/status')).body as unknown as Status;
const agentUrl = (query: string): string => `ws+unix://${socketPath}:/dvr/v1/agent${query}`;

/** An agent of the node that has registered and got its first view. */
async function agentOf(node: string): Promise<FakeAgent> {
  const agent = (await FakeAgent.connect(agentUrl(`?node=${node}`), node)).register(
    vteps[node] ?? '',
  );
  agents.push(agent);
  await agent.view();
  return agent;
}

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await what()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  throw new Error('it did not become so');
}

describe('the socket', () => {
  it("is its owner's alone and gone when the controller stops", async () => {
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    await server.close();
    expect(existsSync(socketPath)).toBe(false);
    await server.close();
  });

  it("is refused to a second controller, which leaves the first one's alone", async () => {
    await expect(startServer({ controller, socketPath, log: silentLog })).rejects.toMatchObject({
      code: 'DVR_CONFLICT',
    });
    expect((await ask('GET', '/status')).status).toBe(200);
  });

  it('that a killed controller left is taken over; a file of that name is not', async () => {
    const stale = join(folder, 'stale.sock');
    const left = createServer().listen(join(folder, 'other.sock'));
    await new Promise((resolve) => {
      left.once('listening', resolve);
    });
    const { renameSync } = await import('node:fs');
    renameSync(join(folder, 'other.sock'), stale);
    await new Promise((resolve) => {
      left.close(resolve);
    });
    const second = await startServer({ controller, socketPath: stale, log: silentLog });
    await second.close();
    writeFileSync(stale, 'notes');
    await expect(
      startServer({ controller, socketPath: stale, log: silentLog }),
    ).rejects.toMatchObject({ code: 'DVR_CONFLICT' });
  });
});

describe('people are answered', () => {
  it('with what there is', async () => {
    const { generation, converged, nodes, networks, routers, ports } = await status();
    expect([generation, converged, nodes.length, ports.length]).toEqual([1, false, 3, 4]);
    expect(networks[1]).toEqual({
      name: 'red',
      vni: 101,
      mtuBytes: 1550,
      subnets: [{ cidr: '10.1.0.0/24', gatewayIp: '10.1.0.1' }],
    });
    expect(routers).toMatchObject([{ id: 'r1', nodes: [] }]);
    expect(ports[0]).toMatchObject({ name: 'vm1', state: 'unbound', ips: ['10.1.0.11'] });
    expect((await ask('GET', '/ports')).body).toEqual(ports);
  });

  it('with a problem document that says what to do', async () => {
    const { status: code, type, body } = await ask('GET', '/nodes/cn9/view');
    expect([code, type]).toEqual([404, 'application/problem+json; charset=utf-8']);
    expect(body).toEqual({
      type: 'urn:dvr:error:DVR_NOT_FOUND',
      title: 'DVR_NOT_FOUND',
      status: 404,
      code: 'DVR_NOT_FOUND',
      detail: 'no node is named "cn9"',
      hint: 'the topology has cn1, cn2, nn1',
    });
  });

  it.each<[string, string, string, unknown, number, string]>([
    ['an unknown path', 'GET', '/nothing', undefined, 404, 'there is no GET /dvr/v1/nothing'],
    ['a body that is no JSON', 'POST', '/ports/vm1/attach', '{', 400, 'JSON'],
    [
      'an unknown field',
      'POST',
      '/ports/vm1/attach',
      { nods: 'cn1' },
      400,
      '"nods" is unknown; did you mean "node"?',
    ],
    ['no namespace', 'POST', '/ports/vm1/attach', {}, 400, 'exactly one of netns, pid and dev'],
    [
      'a relative path',
      'POST',
      '/ports/vm1/attach',
      { netns: 'vm1' },
      400,
      'netns: "vm1" is no absolute path',
    ],
    [
      'a device name that is none',
      'POST',
      '/ports/vm1/attach',
      { pid: 1, ifname: 'a b' },
      400,
      'ifname: "a b" cannot name a network device',
    ],
    [
      'a name that is none',
      'POST',
      '/ports/VM!/attach',
      { pid: 1 },
      400,
      'the port name: "VM!" is no name',
    ],
    [
      'a prefix with host bits',
      'PATCH',
      '/ports/vm1',
      { allowedAddressPairs: [{ ip: '10.1.0.1/24' }] },
      400,
      'write 10.1.0.0/24',
    ],
    [
      'an unknown method',
      'POST',
      '/nodes/cn1/call',
      { method: 'reboot' },
      400,
      'method: "reboot" is not one of',
    ],
    ['an unknown port', 'DELETE', '/ports/vm9', undefined, 404, 'no port is named "vm9"'],
  ])('that they asked wrongly: %s', async (_what, method, path, body, code, detail) => {
    const answer = await ask(method, path, body);
    expect([answer.status, answer.type]).toEqual([code, 'application/problem+json; charset=utf-8']);
    expect(answer.body['detail']).toContain(detail);
    expect((await status()).generation).toBe(1);
  });

  it('when a port changes', async () => {
    expect(
      (await ask('PATCH', '/ports/vm1', { ips: ['10.1.0.50'], mac: 'FA:16:3E:AA:00:01' })).body,
    ).toMatchObject({ ips: ['10.1.0.50'], mac: 'fa:16:3e:aa:00:01' });
    expect((await ask('DELETE', '/ports/vm1')).status).toBe(204);
    expect((await status()).ports.map(({ name }) => name)).toEqual(['vm2', 'vm3', 'vm4']);
  });
});

describe('a topology', () => {
  it('replaces what is declared', async () => {
    const text = seedText.replace(/^ {2}vm4:.*\n/m, '');
    expect(await ask('PUT', '/topology', text, 'text/yaml')).toMatchObject({ status: 200 });
    expect((await status()).ports.map(({ name }) => name)).toEqual(['vm1', 'vm2', 'vm3']);
  });

  it('with a way out is listed with it, and one that asks for too much changes nothing', async () => {
    expect(await ask('PUT', '/topology', externalText, 'text/yaml')).toMatchObject({ status: 200 });
    const lists = await Promise.all(
      ['external-networks', 'floating-ips', 'routers'].map(async (list) => (await ask('GET', `/${list}`)).body),
    );
    expect(lists).toMatchObject([
      [{ name: 'ext', physicalNetwork: 'physnet1', vlan: 500 }],
      [{ ip: '203.0.113.101', port: 'vm1' }, { ip: '203.0.113.102', port: 'vm2' }],
      [{ id: 'r1', gateway: { network: 'ext', standby: ['nn1', 'nn2'], addresses: ['203.0.113.60/24'] } }],
    ]);
    const before = controller.intent;
    const small = externalText.replace('203.0.113.20-203.0.113.99', '203.0.113.20-203.0.113.20');
    const full = await ask('PUT', '/topology', small, 'text/yaml');
    expect([full.status, full.body['detail']]).toEqual([
      400,
      'topology.yaml:14: routers.r1.gateway: addresses left to give out in network ext: 1; needed: 0 for gateways, 3 for nodes (cn1, nn1, nn2)',
    ]);
    expect(controller.intent).toBe(before);
  });

  it('that is bad changes nothing and is told line by line, in YAML and JSON', async () => {
    const bad = await ask(
      'PUT',
      '/topology',
      `${seedText}  vm5: { network: red, ip: 10.2.0.5 }\n`,
      'text/yaml',
    );
    expect([bad.status, bad.body['detail']]).toEqual([
      400,
      'topology.yaml:17: ports.vm5.ip: 10.2.0.5 is outside 10.1.0.0/24 of network red',
    ]);
    const json = await ask('PUT', '/topology', { nodes: {} });
    expect(json.body['code']).toBe('DVR_TOPOLOGY_INVALID');
    expect((await status()).ports).toHaveLength(4);
  });

  it('that is too large is refused', async () => {
    expect((await ask('PUT', '/topology', '#'.repeat(2 << 20), 'text/yaml')).status).toBe(413);
  });
});

describe('an agent', () => {
  it("gets its view when it registers and another whenever that changes, and no other node's", async () => {
    const cn1 = await agentOf('cn1');
    const cn2 = await agentOf('cn2');
    expect((await cn1.view()).generation).toBe(1);
    await controller.execute({ command: 'bindPort', name: 'vm1', node: 'cn1' });
    const view = await cn1.view(2);
    expect([view.generation, view.localPorts.map(({ name }) => name)]).toEqual([2, ['vm1']]);
    expect(cn2.views).toHaveLength(1);
  });

  it('of an unknown node is told so, by address or by register', async () => {
    const named = await FakeAgent.connect(agentUrl('?node=cn9'), 'cn9');
    expect(await named.closed).toEqual({
      code: closeCodes.unknownNode,
      reason: 'DVR_NOT_FOUND: no node is named "cn9"; add it to the topology',
    });
    const unnamed = (await FakeAgent.connect(agentUrl(''), 'cn9')).register('172.16.0.99');
    expect((await unnamed.closed).code).toBe(closeCodes.unknownNode);
  });

  it("with another VTEP than the topology's is refused with the reason", async () => {
    const agent = (await FakeAgent.connect(agentUrl('?node=cn1'), 'cn1')).register('172.16.0.99');
    expect(await agent.closed).toEqual({
      code: closeCodes.refused,
      reason: 'DVR_CONFLICT: node cn1 has the VTEP 172.16.0.99, but the topology says 172.16.0.11',
    });
  });

  it('that speaks another language is refused', async () => {
    const agent = await agentOf('cn1');
    agent.socket.send('{"type":"report","report":{"node":"cn1"}}');
    expect((await agent.closed).code).toBe(closeCodes.badMessage);
  });

  it('has told which way each router goes there, and why, in the status', async () => {
    const agent = await agentOf('cn1');
    const routers = [{ id: 'r1', way: 'namespace', why: 'nft table inet mine is not ours' }] as const;
    agent.report({ generation: 1, ports: [], routers });
    await until(async () => (await status()).nodes[0]?.routers.length === 1);
    expect((await status()).nodes[0]?.routers).toEqual(routers);
    expect((await status()).nodes[1]?.routers).toEqual([]);
    const odd = '[{"id":"r1","way":"about","why":""}]';
    agent.socket.send(`{"type":"report","report":{"node":"cn1","generation":1,"ports":[],"errors":[],"routers":${odd}}}`);
    expect((await agent.closed).code).toBe(closeCodes.badMessage);
  });

  it('that connects a second time replaces the first, whose words no longer count', async () => {
    const first = await agentOf('cn1');
    const second = await agentOf('cn1');
    first.register('172.16.0.11');
    first.report({ generation: 1, ports: [{ name: 'vm1', state: 'error' }] });
    expect((await first.closed).code).toBe(closeCodes.replaced);
    second.report({ generation: 1, ports: [] });
    expect((await status()).nodes[0]).toMatchObject({ connected: true, ports: [] });
    second.close();
    await until(async () => (await status()).nodes[0]?.connected === false);
  });

  it('whose node leaves the topology is told so', async () => {
    const agent = await agentOf('nn1');
    await controller.execute(apply(seedText.replace(/^ {2}nn1:.*\n/m, '')));
    expect(await agent.closed).toEqual({
      code: closeCodes.unknownNode,
      reason: 'node "nn1" has left the topology',
    });
  });

  it('is found at its own path only', async () => {
    await expect(
      new Promise((_, reject) => {
        new WebSocket(`ws+unix://${socketPath}:/elsewhere?node=cn1`).on('error', reject);
      }),
    ).rejects.toThrow('404');
    await expect(
      new Promise((_, reject) => {
        new WebSocket(`ws+unix://${socketPath}://?node=cn1`).on('error', reject);
      }),
    ).rejects.toThrow('404');
    expect((await ask('GET', '/status')).status).toBe(200);
  });
});

describe('the status', () => {
  it('is converged once every node is connected and has applied its latest view', async () => {
    await agentOf('cn1');
    await agentOf('cn2');
    expect((await status()).converged).toBe(false);
    const nn1 = await agentOf('nn1');
    await until(async () => (await status()).converged);
    const cn1 = agents[0] as FakeAgent;
    cn1.onView = () => undefined;
    await controller.execute({ command: 'bindPort', name: 'vm1', node: 'cn1' });
    const { generation } = await cn1.view(2);
    expect((await status()).converged).toBe(false);
    cn1.report({ generation, ports: [{ name: 'vm1', state: 'up' }] });
    await until(async () => (await status()).converged);
    nn1.close();
    await until(async () => !(await status()).converged);
  });
});

describe('attaching', () => {
  const where = { netns: '/run/netns/x' };

  it("answers once the node's agent has the port up", async () => {
    const cn1 = await agentOf('cn1');
    const answer = await ask('POST', '/ports/vm1/attach', where);
    expect([answer.status, answer.body]).toMatchObject([
      200,
      {
        name: 'vm1',
        node: 'cn1',
        state: 'up',
        attachment: { netns: '/run/netns/x', ifname: 'eth0' },
      },
    ]);
    expect(cn1.views.at(-1)?.localPorts).toEqual([
      {
        name: 'vm1',
        network: 'red',
        portSecurity: true,
        attachment: { netns: '/run/netns/x', ifname: 'eth0' },
      },
    ]);
    expect((await ask('POST', '/ports/vm1/attach', where)).status).toBe(200);
    expect((await ask('POST', '/ports/vm1/attach', { netns: '/run/netns/y' })).status).toBe(409);
  });

  it('makes a port that does not exist, and detaching takes it away again', async () => {
    const nn1 = await agentOf('nn1');
    expect(
      (
        await ask('POST', '/ports/c1/attach', {
          network: 'red',
          node: 'nn1',
          pid: 42,
          ifname: 'net0',
        })
      ).body,
    ).toMatchObject({ ips: ['10.1.0.2'], madeBy: 'attach', state: 'up' });
    expect((await ask('POST', '/ports/c1/detach')).status).toBe(204);
    expect(nn1.views.at(-1)?.localPorts).toEqual([]);
    expect((await status()).ports.some(({ name }) => name === 'c1')).toBe(false);
  });

  it('to a node whose agent is away changes nothing', async () => {
    const before = controller.intent;
    const answer = await ask('POST', '/ports/c1/attach', { network: 'red', node: 'cn1', pid: 42 });
    expect([answer.status, answer.body['code']]).toEqual([504, 'DVR_NODE_UNREACHABLE']);
    expect(controller.intent).toBe(before);
  });

  it.each(['error', 'gone'] as const)(
    'that ends in "%s" gives the agent\'s words and leaves nothing behind',
    async (state) => {
      const cn1 = await agentOf('cn1');
      cn1.onView = ({ localPorts }) =>
        localPorts.map(({ name }) => ({ name, state, error: 'no such file: /run/netns/x' }));
      const made = await ask('POST', '/ports/c1/attach', { network: 'red', node: 'cn1', ...where });
      expect([made.status, made.body['detail']]).toEqual([
        502,
        'port c1 could not be attached on cn1: no such file: /run/netns/x',
      ]);
      const declared = await ask('POST', '/ports/vm1/attach', where);
      expect(declared.body['code']).toBe('DVR_ATTACH_FAILED');
      expect((await status()).ports.map((port) => [port.name, port.state]).slice(0, 2)).toEqual([
        ['vm1', 'unbound'],
        ['vm2', 'unbound'],
      ]);
    },
  );

  it('that the agent says nothing of is taken back after its time', async () => {
    const cn1 = await agentOf('cn1');
    cn1.onView = () => undefined;
    const answer = await ask('POST', '/ports/vm1/attach', where);
    expect([answer.status, answer.body['detail']]).toEqual([
      504,
      'waited 0.3 s for node cn1: port vm1',
    ]);
    expect((await status()).ports[0]?.state).toBe('unbound');
  });

  it('is not believed from a report that is older than it', async () => {
    const cn1 = await agentOf('cn1');
    cn1.onView = ({ generation }) => {
      cn1.report({ generation: generation - 1, ports: [{ name: 'vm1', state: 'up' }] });
      return undefined;
    };
    expect((await ask('POST', '/ports/vm1/attach', where)).status).toBe(504);
  });

  it('again is not undone by failing: what was attached before stays', async () => {
    const cn1 = await agentOf('cn1');
    await ask('POST', '/ports/vm1/attach', where);
    cn1.report({
      generation: controller.intent.generation,
      ports: [{ name: 'vm1', state: 'error', error: 'broken' }],
    });
    await until(async () => (await status()).ports[0]?.state === 'error');
    expect((await ask('POST', '/ports/vm1/attach', where)).status).toBe(502);
    expect((await status()).ports[0]).toMatchObject({ node: 'cn1', state: 'error' });
  });

  it('ends by itself when the namespace vanishes: the port is unbound', async () => {
    const cn1 = await agentOf('cn1');
    await ask('POST', '/ports/vm1/attach', where);
    cn1.report({
      generation: controller.intent.generation,
      ports: [{ name: 'vm1', state: 'gone' }],
    });
    await until(async () => (await status()).ports[0]?.state === 'unbound');
  });
});

describe('detaching', () => {
  it('waits until the agent has taken the device away, and leaves a declared port unbound', async () => {
    const cn1 = await agentOf('cn1');
    await ask('POST', '/ports/vm1/attach', { pid: 42 });
    cn1.onView = ({ generation }) => {
      cn1.report({ generation: generation - 1, ports: [{ name: 'vm1', state: 'up' }] });
      return undefined;
    };
    const late = await ask('POST', '/ports/vm1/detach');
    expect([late.status, late.body['detail']]).toEqual([
      504,
      'waited 0.3 s for node cn1: port vm1 to go',
    ]);
    expect((await status()).ports[0]?.state).toBe('unbound');
  });

  it('needs the agent; deleting does not', async () => {
    const cn1 = await agentOf('cn1');
    await ask('POST', '/ports/vm1/attach', { pid: 42 });
    cn1.close();
    await until(async () => (await status()).nodes[0]?.connected === false);
    expect((await ask('POST', '/ports/vm1/detach')).body['code']).toBe('DVR_NODE_UNREACHABLE');
    expect((await status()).ports[0]?.node).toBe('cn1');
    expect((await ask('DELETE', '/ports/vm1')).status).toBe(204);
  });
});

describe('a call of a node', () => {
  it('is answered by its agent', async () => {
    const cn1 = await agentOf('cn1');
    cn1.onCall = (method) => ({ method });
    expect((await ask('POST', '/nodes/cn1/call', { method: 'counters' })).body).toEqual({
      result: { method: 'counters' },
    });
  });

  it('that fails there fails here with the same code', async () => {
    const cn1 = await agentOf('cn1');
    cn1.onCall = () => new Error('no dataplane');
    expect(
      (await ask('POST', '/nodes/cn1/call', { method: 'tables', params: {} })).body,
    ).toMatchObject({ code: 'DVR_DATAPLANE_UNREACHABLE', detail: 'node cn1: no dataplane' });
  });

  it('ends when the agent goes, and cannot begin without one', async () => {
    const cn1 = await agentOf('cn1');
    cn1.onCall = () => {
      cn1.close();
      return undefined;
    };
    expect((await ask('POST', '/nodes/cn1/call', { method: 'hello' })).body['code']).toBe(
      'DVR_NODE_UNREACHABLE',
    );
    expect((await ask('POST', '/nodes/cn2/call', { method: 'hello' })).body['detail']).toBe(
      'no agent of node cn2 is connected',
    );
  });

  it('has a deadline', async () => {
    await agentOf('cn1');
    expect((await ask('POST', '/nodes/cn1/call', { method: 'hello' })).body).toMatchObject({
      code: 'DVR_NODE_UNREACHABLE',
      detail: 'node cn1 did not answer "hello" within 0.3 s',
    });
  });
});
