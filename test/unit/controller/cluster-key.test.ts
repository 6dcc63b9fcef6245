/** The TCP door: who does not prove the cluster key does not come in, and agents are not fooled either. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHmac, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { closeCodes } from '../../../src/controller/agent-session.js';
import { Controller } from '../../../src/controller/controller.js';
import { silentLog } from '../../../src/controller/log.js';
import { startServer, type RunningServer } from '../../../src/controller/server.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import {
  authenticateClient,
  createClusterKey,
  readClusterKey,
} from '../../../src/model/cluster-key.js';
import { FakeAgent } from './fake-agent.js';
import { apply, seedText } from './support.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-key-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('a cluster key', () => {
  it('is 32 random bytes in hex that only their owner can read, and is never replaced', () => {
    const path = join(folder, 'key');
    createClusterKey(path);
    expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => createClusterKey(path)).toThrow(
      expect.objectContaining({ code: 'DVR_CONFLICT' }) as Error,
    );
    expect(readClusterKey(path)).toHaveLength(32);
  });

  it('that others can read, that is missing or that is none is refused', () => {
    const path = join(folder, 'key');
    const invalid = expect.objectContaining({ code: 'DVR_KEY_INVALID' }) as Error;
    expect(() => readClusterKey(path)).toThrow(invalid);
    createClusterKey(path);
    chmodSync(path, 0o640);
    expect(() => readClusterKey(path)).toThrow(invalid);
    writeFileSync(path, 'secret', { mode: 0o600 });
    chmodSync(path, 0o600);
    expect(() => readClusterKey(path)).toThrow('holds no cluster key');
  });
});

describe('the TCP door', () => {
  const key = randomBytes(32);
  let controller: Controller;
  let server: RunningServer;
  let url: string;

  beforeEach(async () => {
    controller = await Controller.open(await LevelStore.open(join(folder, 'store')));
    await controller.execute(apply(seedText));
    server = await startServer({
      controller,
      socketPath: join(folder, 's'),
      log: silentLog,
      tcp: { host: '127.0.0.1', port: 0, key },
    });
    url = `ws://127.0.0.1:${server.tcpPort}/dvr/v1/agent`;
  });
  afterEach(async () => {
    await server.close();
    await controller.close();
  });

  it('lets an agent in that proves the key', async () => {
    const agent = (await FakeAgent.connect(url, 'cn1', key)).register('172.16.0.11');
    expect((await agent.view()).node.name).toBe('cn1');
    agent.close();
  });

  it('keeps an agent out that has another key, and tells it so', async () => {
    await expect(FakeAgent.connect(url, 'cn1', randomBytes(32))).rejects.toMatchObject({
      code: 'DVR_KEY_INVALID',
      message: 'the other side closed the connection (4003 DVR_KEY_INVALID)',
    });
  });

  it('keeps an agent out that proves nothing, and does not listen to it', async () => {
    const agent = (await FakeAgent.connect(url, 'cn1')).register('172.16.0.11');
    expect((await agent.closed).code).toBe(closeCodes.keyInvalid);
    expect(agent.views).toEqual([]);
  });

  it('holds an agent to the node it has proved to be', async () => {
    const agent = await FakeAgent.connect(url, 'cn1', key);
    agent.say({
      type: 'register',
      node: 'cn2',
      vtepIp: '172.16.0.12',
      underlayMtu: 1600,
      version: 'test',
    });
    expect((await agent.closed).code).toBe(closeCodes.refused);
    const other = await FakeAgent.connect(`${url}?node=cn2`, 'cn1', key);
    expect((await other.closed).code).toBe(closeCodes.keyInvalid);
  });

  it('has no API for people', async () => {
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: server.tcpPort, path: '/dvr/v1/status' }, (response) =>
        resolve(response.statusCode),
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(426);
  });

  it('takes no proof that was made for another challenge', async () => {
    const proofs: unknown[] = [];
    const recorded = new WebSocket(url);
    recorded.on('message', () => {});
    await new Promise((resolve) => {
      recorded.once('open', resolve);
    });
    const send = recorded.send.bind(recorded);
    recorded.send = ((text: string) => {
      proofs.push(JSON.parse(text));
      send(text);
    }) as typeof recorded.send;
    await authenticateClient(recorded, key, 'cn1');
    recorded.terminate();
    const replay = new WebSocket(url);
    const closed = new Promise<number>((resolve) => {
      replay.once('close', resolve);
    });
    replay.once('open', () => replay.send(JSON.stringify({ type: 'hello' })));
    replay.once('message', () => replay.send(JSON.stringify(proofs.at(-1))));
    expect(await closed).toBe(closeCodes.keyInvalid);
  });
});

describe('an agent', () => {
  /** A false controller that answers with what `proofOf` makes of the agent's message. */
  async function meet(proofOf: (response: { proof: string }) => string): Promise<unknown> {
    const impostor = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await new Promise((resolve) => {
      impostor.once('listening', resolve);
    });
    const nonce = randomBytes(32).toString('hex');
    impostor.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { type: string; proof: string };
        const isHello = message.type === 'hello';
        socket.send(
          JSON.stringify(
            isHello ? { type: 'challenge', nonce } : { type: 'welcome', proof: proofOf(message) },
          ),
        );
      });
    });
    const { port } = impostor.address() as { port: number };
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await new Promise((resolve) => {
      socket.once('open', resolve);
    });
    try {
      return await authenticateClient(socket, randomBytes(32), 'cn1').catch(
        (error: unknown) => error,
      );
    } finally {
      socket.terminate();
      impostor.close();
    }
  }

  it('is not fooled by a controller without the key, nor by its own proof sent back', async () => {
    const guess = await meet(() => createHmac('sha256', 'guess').digest('hex'));
    const mirror = await meet(({ proof }) => proof);
    for (const error of [guess, mirror])
      expect(error).toMatchObject({
        code: 'DVR_KEY_INVALID',
        message: 'the other side has another cluster key',
      });
  });
});
