/** Several controllers at once, over real sockets: the newest view counts, whoever says it, and all hear everything. */
import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { controllers, type Controllers } from '../../../src/agents/controllers.js';
import type { AgentMessage, ControllerMessage } from '../../../src/model/node-call.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { diffView } from '../../../src/model/view-delta.js';
import { cn1 } from './picture.js';

interface FakeController { readonly http: Server; readonly sockets: WebSocket[]; readonly said: AgentMessage[] }

let all: FakeController[];
let agent: Controllers;
let view: NodeView | undefined;
let taken: NodeView[];

const listen = async (path: string): Promise<FakeController> => {
  const [http, sockets, said]: [Server, WebSocket[], AgentMessage[]] = [createServer(), [], []];
  new WebSocketServer({ server: http, path: '/dvr/v1/agent' }).on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data: Buffer) => { said.push(JSON.parse(data.toString()) as AgentMessage); });
  });
  await new Promise<void>((done) => { http.listen(path, done); });
  return { http, sockets, said };
};
const tell = (at: number, message: ControllerMessage): void => { all[at]?.sockets.at(-1)?.send(JSON.stringify(message)); };
const heard = (at: number, type: AgentMessage['type']): readonly AgentMessage[] =>
  all[at]?.said.filter((message) => message.type === type) ?? [];
const until = (what: () => void): Promise<void> => vi.waitFor(what, 5000);
const stamped = (generation: number, more: Partial<NodeView> = {}): NodeView => ({ ...cn1, generation, ...more });
const generations = (): number[] => taken.map(({ generation }) => generation);
/** What was told before is looked at by the time that the answer to a call has come. */
const settle = async (at: number, id: number): Promise<void> => {
  tell(at, { type: 'call', id, method: 'ids', params: {} });
  await until(() => { expect(heard(at, 'result').map((message) => message.type === 'result' && message.id)).toContain(id); });
};

beforeEach(async () => {
  [view, taken] = [undefined, []];
  const paths = [0, 1, 2].map((at) => join(mkdtempSync(join(tmpdir(), 'dvr-controllers-')), `${at}.sock`));
  all = await Promise.all(paths.map(listen));
  agent = controllers({
    addresses: paths.map((path) => ({ address: `unix:${path}` })), log: () => {},
    register: async () => ({ type: 'register', node: 'cn1', vtepIp: '172.16.0.11', underlayMtu: 1600, version: '0' }),
    view: () => view,
    onView: (next) => { view = next; taken.push(next); },
    onCall: async () => ({}),
    announced: () => [],
  });
  await until(() => { for (const at of [0, 1, 2]) expect(heard(at, 'register')).toHaveLength(1); });
});
afterEach(() => {
  agent.close();
  for (const { http, sockets } of all) { for (const socket of sockets) socket.terminate(); http.close(); }
});

it('the newest view counts, and the same one from another changes nothing', async () => {
  tell(0, { type: 'view', view: stamped(7) });
  await until(() => { expect(generations()).toEqual([7]); });
  tell(1, { type: 'view', view: stamped(7) });
  tell(2, { type: 'view', view: stamped(6, { localPorts: [] }) });
  await settle(1, 1);
  await settle(2, 2);
  expect(generations()).toEqual([7]);
  tell(2, { type: 'delta', delta: diffView(stamped(6, { localPorts: [] }), stamped(9, { localPorts: [] })) });
  await until(() => { expect(generations()).toEqual([7, 9]); });
  expect(view?.localPorts).toEqual([]);
  // What did not change is shared with what the node had, whoever told it.
  expect(view?.networks).toBe(taken[0]?.networks);
});

it('changes come from any controller, each from the view that it told last, and one that lags takes nothing back', async () => {
  for (const at of [0, 1]) tell(at, { type: 'view', view: stamped(7) });
  await settle(1, 1);
  tell(1, { type: 'delta', delta: { from: 7, to: 8, localPorts: { gone: ['vm1'] } } });
  await until(() => { expect(generations()).toEqual([7, 8]); });
  tell(0, { type: 'delta', delta: { from: 7, to: 8, localPorts: { gone: ['vm1'] } } });
  await settle(0, 2);
  expect(generations()).toEqual([7, 8]);
  expect(heard(0, 'resync')).toEqual([]);
});

it('a view of the same generation that says something else is taken: a state was lost, and counted anew', async () => {
  tell(0, { type: 'view', view: stamped(7) });
  await until(() => { expect(generations()).toEqual([7]); });
  tell(0, { type: 'view', view: stamped(7, { localPorts: [] }) });
  await until(() => { expect(view?.localPorts).toEqual([]); });
});

it('every controller hears each report, and one that comes later the last of them', async () => {
  const report = { node: 'cn1', generation: 7, ports: [], errors: [] };
  agent.report(report);
  await until(() => { for (const at of [0, 1, 2]) expect(heard(at, 'report')).toEqual([{ type: 'report', report }]); });
  all[1]?.sockets.at(-1)?.terminate();
  await until(() => { expect(heard(1, 'report')).toHaveLength(2); });
});

it('goes on with those that are left when one is gone', async () => {
  tell(0, { type: 'view', view: stamped(7) });
  await until(() => { expect(generations()).toEqual([7]); });
  all[0]?.http.close();
  all[0]?.sockets.at(-1)?.terminate();
  tell(1, { type: 'view', view: stamped(8) });
  await until(() => { expect(generations()).toEqual([7, 8]); });
  await settle(1, 5);
});
