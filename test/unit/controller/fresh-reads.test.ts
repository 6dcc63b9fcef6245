/** What a controller shows that has not heard of another's write yet, or cannot ask. */
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { FastifyInstance } from 'fastify';
import { AgentStream } from '../../../src/controller/agent-stream.js';
import { makeApp } from '../../../src/controller/app.js';
import { Controller } from '../../../src/controller/controller.js';
import { silentLog } from '../../../src/controller/log.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import { storeUnreachable } from '../../../src/controller/store/store.js';
import { Metrics } from '../../../src/model/metrics.js';
import { FaultyStore } from './store/faulty-store.js';
import { temporaryFolder } from './kept.js';
import { apply, seedText } from './support.js';

let faulty: FaultyStore;
let other: Controller;
let app: FastifyInstance;

beforeEach(async () => {
  const store = await LevelStore.open(temporaryFolder());
  faulty = new FaultyStore(store);
  other = await Controller.open(new FaultyStore(store));
  await other.execute(apply(seedText));
  const controller = await Controller.open(faulty);
  const agents = new AgentStream(controller, silentLog);
  app = makeApp({ controller, log: silentLog, metrics: new Metrics() }, agents);
  onTestFinished(async () => {
    agents.close();
    await app.close();
    await controller.close();
    await other.close();
  });
});

const shown = async (url: string): Promise<{ status: number; body: string }> => {
  const { statusCode: status, body } = await app.inject({ url });
  return { status, body };
};

describe('a controller that has not heard of a write of another', () => {
  it.each(['/dvr/v1/ports', '/v2.0/ports'])('shows it all the same at %s', async (url) => {
    faulty.isWatchDeaf = true;
    expect((await shown(url)).body).toContain('"vm1"');
    await other.execute({ command: 'deletePort', name: 'vm1' });
    expect((await shown('/dvr/v1/status')).body).toContain('"vm1"');
    expect(await shown(url)).toMatchObject({ status: 200, body: expect.not.stringContaining('"vm1"') as string });
  });
});

describe('a controller that cannot ask', () => {
  beforeEach(() => {
    faulty.onGet = () => Promise.reject(storeUnreachable('etcd', new Error('nobody answers')));
  });

  it.each(['/dvr/v1/status', '/dvr/v1/nodes', '/dvr/v1/nodes/cn1/view', '/metrics'])('tells of itself at %s', async (url) => {
    expect((await shown(url)).status).toBe(200);
  });

  it('shows nothing that may be old, and says why in the words of each API', async () => {
    const [ours, neutrons] = [await shown('/dvr/v1/ports'), await shown('/v2.0/ports')];
    expect([ours.status, neutrons.status]).toEqual([503, 503]);
    expect(JSON.parse(ours.body)).toMatchObject({ code: 'DVR_STORE_UNREACHABLE' });
    expect(JSON.parse(neutrons.body)).toMatchObject({ NeutronError: { type: 'ServiceUnavailable' } });
    expect(JSON.parse((await shown('/dvr/v1/status')).body)).toMatchObject({ store: { fault: expect.stringContaining('nobody answers') as string } });
  });
});
