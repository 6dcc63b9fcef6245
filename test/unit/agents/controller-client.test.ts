import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { backoffMs, controllerClient, urlOf, type ControllerClient } from '../../../src/agents/controller-client.js';
import { DvrError } from '../../../src/model/errors.js';
import type { AgentMessage, ControllerMessage } from '../../../src/model/node-call.js';
import { cn1 } from './picture.js';

let http: Server;
let sockets: WebSocket[];
let said: AgentMessage[];
let path: string;
let client: ControllerClient;
let generations: number[];
let registerFails: number;
let logged: string[];

async function listen(): Promise<void> {
  http = createServer();
  const door = new WebSocketServer({ server: http, path: '/dvr/v1/agent' });
  door.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data: Buffer) => { said.push(JSON.parse(data.toString()) as AgentMessage); });
  });
  await new Promise<void>((done) => { http.listen(path, done); });
}
const tell = (message: ControllerMessage): void => { sockets.at(-1)?.send(JSON.stringify(message)); };
const heard = (type: AgentMessage['type'], count = 1): Promise<AgentMessage> => vi.waitFor(() => {
  const all = said.filter((message) => message.type === type);
  expect(all).toHaveLength(count);
  return all.at(-1)!;
}, 5000);

beforeEach(async () => {
  [sockets, said, generations, registerFails, logged] = [[], [], [], 0, []];
  path = join(mkdtempSync(join(tmpdir(), 'dvr-controller-')), 'controller.sock');
  await listen();
  client = controllerClient({
    address: `unix:${path}`, log: (_, words) => { logged.push(words); }, onReady: () => {},
    register: async () => {
      if (registerFails-- > 0) throw new DvrError('DVR_NOT_FOUND', 'no device has the VTEP address', '');
      return { type: 'register', node: 'cn1', vtepIp: '172.16.0.11', underlayMtu: 1600, version: '0' };
    },
    onView: (view) => { generations.push(view.generation); return view; },
    onCall: async (method) => { if (method === 'ids') return { ports: [], localVlans: [], routerNumbers: [] }; throw new DvrError('DVR_USAGE', 'not that', ''); },
  });
});
afterEach(() => { client.close(); for (const socket of sockets) socket.terminate(); http.close(); });

describe('the agent\'s end of the controller\'s stream', () => {
  it('registers and takes views', async () => {
    await heard('register');
    tell({ type: 'view', view: cn1 });
    await vi.waitFor(() => { expect(generations).toEqual([7]); });
  });

  it('takes what has changed in the view of the same connection', async () => {
    await heard('register');
    tell({ type: 'view', view: cn1 });
    tell({ type: 'delta', delta: { from: 7, to: 8 } });
    tell({ type: 'delta', delta: { from: 8, to: 11 } });
    await vi.waitFor(() => { expect(generations).toEqual([7, 8, 11]); });
  });

  it('asks for the whole view, once, where a change does not fit, and goes on from that', async () => {
    await heard('register');
    tell({ type: 'view', view: cn1 });
    tell({ type: 'delta', delta: { from: 8, to: 9 } });
    tell({ type: 'delta', delta: { from: 9, to: 10 } });
    await heard('resync');
    tell({ type: 'view', view: { ...cn1, generation: 10 } });
    tell({ type: 'delta', delta: { from: 10, to: 11, localPorts: { gone: ['nobody'] } } });
    await heard('resync', 2);
    expect(generations).toEqual([7, 10]);
    expect(sockets).toHaveLength(1);
  });

  it('takes no change for the first view of a new connection', async () => {
    await heard('register');
    tell({ type: 'view', view: cn1 });
    await vi.waitFor(() => { expect(generations).toEqual([7]); });
    sockets.at(-1)?.terminate();
    await heard('register', 2);
    tell({ type: 'delta', delta: { from: 7, to: 8 } });
    tell({ type: 'view', view: { ...cn1, generation: 9 } });
    await vi.waitFor(() => { expect(generations).toEqual([7, 9]); });
  });

  it('answers calls, with a failure where one fails', async () => {
    await heard('register');
    tell({ type: 'call', id: 1, method: 'ids', params: {} });
    tell({ type: 'call', id: 2, method: 'inject', params: {} });
    expect(await heard('result')).toMatchObject({ id: 1, result: { ports: [] } });
    expect(await heard('failure')).toMatchObject({ id: 2, code: 'DVR_USAGE', message: 'not that' });
  });

  it('comes back by itself when the controller does', async () => {
    await heard('register');
    sockets.at(-1)?.terminate();
    await heard('register', 2);
  });

  it('outlives a frame that is none of ours: it says so, and connects anew', async () => {
    await heard('register');
    sockets.at(-1)?.send('{"type":"vi');
    await heard('register', 2);
    tell({ type: 'view', view: { ...cn1, peers: undefined } as never });
    await heard('register', 3);
    tell({ type: 'view', view: cn1 });
    await vi.waitFor(() => { expect(generations).toEqual([7]); });
    expect(logged.filter((words) => words === 'the controller sent a message that is none of ours')).toHaveLength(2);
  });

  it('waits longer each time the controller says nothing right', async () => {
    await heard('register');
    const before = performance.now();
    for (let count = 1; count <= 4; ++count) {
      sockets.at(-1)?.send('?');
      await heard('register', count + 1);
    }
    expect(performance.now() - before).toBeGreaterThan(25 + 50 + 100 + 200);
  });

  it('tries again where it could not register yet', async () => {
    await heard('register');
    registerFails = 2;
    sockets.at(-1)?.terminate();
    await heard('register', 2);
    expect(sockets.length).toBe(4);
  });
});

describe('urlOf', () => {
  it('speaks WebSocket over a unix socket or TCP', () => {
    expect(urlOf('unix:/run/dvr/controller.sock')).toBe('ws+unix:/run/dvr/controller.sock:/dvr/v1/agent');
    expect(urlOf('172.16.0.21:9640')).toBe('ws://172.16.0.21:9640/dvr/v1/agent');
  });
});

describe('backoffMs', () => {
  it('doubles from 50 ms to 2 s and spreads by half', () => {
    expect([0, 1, 5, 6, 1000].map((attempt) => backoffMs(attempt, 1))).toEqual([50, 100, 1600, 2000, 2000]);
    expect(backoffMs(0, 0)).toBe(25);
  });
});
