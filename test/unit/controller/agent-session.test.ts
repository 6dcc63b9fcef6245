/** One agent's connection, over a real socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { AgentSession, closeCodes, type SessionMessage } from '../../../src/controller/agent-session.js';
import { viewsOf } from '../../../src/controller/views.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { FakeAgent } from './fake-agent.js';
import { seedState } from './support.js';

/** A session and its agent, which has registered as cn1. */
async function connected(onMessage: (message: SessionMessage) => Promise<void>): Promise<{ session: AgentSession; agent: FakeAgent }> {
  const folder = mkdtempSync(join(tmpdir(), 'dvr-session-'));
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const session = new Promise<AgentSession>((resolve) => {
    sockets.on('connection', (socket) => resolve(new AgentSession(socket, onMessage, () => {})));
  });
  await new Promise<void>((resolve) => { server.listen(join(folder, 's'), resolve); });
  const agent = await FakeAgent.connect(`ws+unix://${join(folder, 's')}:/`, 'cn1');
  onTestFinished(() => {
    agent.close();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { session: await session, agent };
}

it('sends the newest view of many changes at once, not each one between', async () => {
  const { session, agent } = await connected(async () => {});
  const content = viewsOf(seedState().intent).content.get('cn1');
  for (let generation = 1; generation <= 30; generation++) session.sendView({ ...content, generation } as NodeView);
  await agent.view(2);
  expect(agent.views.map(({ generation }) => generation)).toEqual([1, 30]);
});

it('has one message handled after another, and cuts off an agent that floods it', async () => {
  const handled: number[] = [];
  let underWay = 0;
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => { go = resolve; });
  const { agent } = await connected(async (message) => {
    expect(underWay++).toBe(0);
    await gate;
    underWay--;
    if (message.type === 'report') handled.push(message.report.generation);
  });
  const report = (generation: number): void => agent.report({ generation, ports: [] });
  for (let generation = 1; generation <= 60; generation++) report(generation);
  go();
  await expect.poll(() => handled.length).toBe(60);
  expect(handled).toEqual([...handled].sort((left, right) => left - right));
  const flooded = await connected(() => new Promise(() => {}));
  for (let generation = 1; generation <= 65; generation++) flooded.agent.report({ generation, ports: [] });
  expect(await flooded.agent.closed).toEqual({ code: closeCodes.refused, reason: 'DVR_BUSY: 64 messages wait already' });
});
