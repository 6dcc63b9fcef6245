import { afterEach, describe, expect, it } from 'vitest';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { agentMetrics, type MeasuredAgent } from '../../../src/agents/agent-metrics.js';
import { openMetricsDoor } from '../../../src/agents/metrics-door.js';
import { WorkCounts } from '../../../src/agents/work-counts.js';
import type { Counters } from '../../../src/dataplane/interface.js';
import { parseLoopback } from '../../../src/model/loopback.js';
import { readMetrics } from '../../support/metrics.js';

const counters: Counters = {
  stages: { classify: 7 }, edges: {}, drops: { unknown_unicast: 3 }, engine: { passes: 11 },
  ports: {
    1: { rxPackets: 5, rxBytes: 500, txPackets: 6, txBytes: 600 },
    16: { rxPackets: 1, rxBytes: 100, txPackets: 2, txBytes: 200 },
    99: { rxPackets: 9, rxBytes: 9, txPackets: 9, txBytes: 9 },
  },
};
const agent = (change: Partial<MeasuredAgent> = {}): MeasuredAgent => ({
  counters: () => Promise.resolve(counters),
  numbers: () => ({
    ports: [{ id: 16, name: 'vm1', kind: 'vm', network: 'red' }, { id: 17, name: 'shut', kind: 'vm', network: 'red' }],
    localVlans: [], routerNumbers: [], routers: [{ id: 'r1', way: 'fast', why: 'routing is fast' }],
  }),
  generations: () => ({ given: 8, applied: 7 }),
  work: new WorkCounts(),
  ...change,
});
const scrape = async (measured: MeasuredAgent) => readMetrics(await agentMetrics(measured).text());

describe('an agent tells Prometheus', () => {
  it('packets of stages, drops by reason and ports by name', async () => {
    const said = await scrape(agent());
    expect(said.value('dvr_stage_packets_total', { stage: 'classify' })).toBe(7);
    expect(said.value('dvr_stage_packets_total', { stage: 'route' })).toBe(0);
    expect(said.value('dvr_drops_total', { reason: 'unknown_unicast' })).toBe(3);
    expect(said.value('dvr_engine', { counter: 'passes' })).toBe(11);
    expect(said.value('dvr_port_tx_bytes_total', { port: 'vm1', kind: 'vm', network: 'red' })).toBe(200);
    expect(said.value('dvr_port_rx_packets_total', { port: 'vtep', kind: 'tunnel' })).toBe(5);
  });

  it('only of ports that are open and have a name', async () => {
    const { samples } = await scrape(agent());
    expect(samples.filter(({ name }) => name === 'dvr_port_rx_packets_total').map(({ labels }) => labels['port']))
      .toEqual(['vtep', 'vm1']);
  });

  it('the same again when nothing has changed: what is read is not added up', async () => {
    const metrics = agentMetrics(agent());
    await metrics.text();
    expect(readMetrics(await metrics.text()).value('dvr_drops_total', { reason: 'unknown_unicast' })).toBe(3);
  });

  it('how its own work goes', async () => {
    const work = new WorkCounts();
    work.took('build', 'done');
    work.took('build', 'DVR_SCRIPT_FAILED');
    work.took('build', 'done');
    work.repairs = 2;
    const said = await scrape(agent({ work }));
    expect(said.value('dvr_reconcile_steps_total', { step: 'build', result: 'done' })).toBe(2);
    expect(said.value('dvr_reconcile_steps_total', { step: 'build', result: 'DVR_SCRIPT_FAILED' })).toBe(1);
    expect(said.value('dvr_repairs_total')).toBe(2);
    expect(said.value('dvr_applied_generation')).toBe(7);
    expect(said.value('dvr_view_generation')).toBe(8);
    expect(said.value('dvr_router_way', { router: 'r1', way: 'fast' })).toBe(1);
  });

  it('nothing of a dataplane that is away, rather than zeros that would look like a restart', async () => {
    const said = await scrape(agent({ counters: () => Promise.reject(new Error('away')) }));
    expect(said.value('dvr_dataplane_connected')).toBe(0);
    expect(said.samples.some(({ name }) => name.startsWith('dvr_drops') || name.startsWith('dvr_port'))).toBe(false);
  });
});

describe('the door of an agent\'s metrics', () => {
  let close = (): void => {};
  afterEach(() => { close(); });
  const freePort = async (): Promise<number> => {
    const server = createServer();
    await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
    const { port } = server.address() as AddressInfo;
    await new Promise((done) => { server.close(done); });
    return port;
  };
  const ask = (port: number, path: string, headers: Record<string, string> = {}): Promise<number> =>
    new Promise((done, failed) => {
      request({ host: '127.0.0.1', port, path, headers }, (answer) => { answer.resume(); done(answer.statusCode ?? 0); })
        .on('error', failed).end();
    });

  it('answers programs of this machine, and no web pages', async () => {
    const port = await freePort();
    close = await openMetricsDoor(agentMetrics(agent()), parseLoopback('--metrics', `127.0.0.1:${port}`, 'an agent', 9697));
    expect(await ask(port, '/metrics')).toBe(200);
    expect(await ask(port, '/')).toBe(404);
    expect(await ask(port, '/metrics', { origin: 'http://evil.example' })).toBe(403);
    expect(await ask(port, '/metrics', { host: 'evil.example' })).toBe(403);
  });

  it('says which port is taken, and what to do', async () => {
    const at = parseLoopback('--metrics', `127.0.0.1:${await freePort()}`, 'an agent', 9697);
    close = await openMetricsDoor(agentMetrics(agent()), at);
    await expect(openMetricsDoor(agentMetrics(agent()), at)).rejects.toMatchObject({
      code: 'DVR_USAGE', message: expect.stringContaining(`port ${at.port}`) as unknown,
      hint: expect.stringContaining('--metrics 127.0.0.1:PORT') as unknown,
    });
  });

  it.each(['0.0.0.0:9697', '172.16.0.11:9697', '[2001:db8::1]:9697', 'localhost:9697', '127.0.0.1', '127.0.0.1:99999'])(
    'is on no other address than a loopback one: %s', (text) => {
      expect(() => parseLoopback('--metrics', text, 'an agent', 9697)).toThrow(`--metrics ${text}`);
    });
});
