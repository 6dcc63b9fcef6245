/**
 * A dataplane with several workers: every TAP has a queue for each, every worker a VTEP socket of its own, and
 * no flow overtakes itself, although its datagrams and their answers are other workers' work.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flows } from '../support/cloud.js';
import { withLab } from '../support/lab.js';

const kWorkers = 3;

describe('a lab whose dataplanes have three workers each', () => {
  beforeAll(() => { process.env['DVR_WORKERS'] = String(kWorkers); });
  afterAll(() => { delete process.env['DVR_WORKERS']; });
  const lab = withLab();

  const cpuTicks = async (place: string): Promise<number[]> => {
    const { stdout } = await lab.exec(place, ['sh', '-c', 'cat /proc/[0-9]*/task/[0-9]*/stat 2>/dev/null']);
    return stdout.split('\n').flatMap((line) => {
      const name = /\(dvr worker \d+\) (.*)/.exec(line);
      const fields = name?.[1]?.split(' ') ?? [];
      return name === null ? [] : [Number(fields[11]) + Number(fields[12])];
    });
  };

  it.each([['vm3', '10.1.0.13', 'same subnet'], ['vm2', '10.2.0.12', 'routed'], ['vm4', '10.2.0.14', 'same node']])(
    'keeps the order of 32 interleaved flows to %s and back (%s: %s)', async (to, address) => {
      const { sent, received, disordered } = await flows(lab, 'vm1', to, address, 2000);
      expect(disordered).toBe(0);
      expect(received).toBeGreaterThan(sent * 0.9);
    });

  it('has given work to every worker', async () => {
    const busy = (await cpuTicks('cn1')).filter((ticks) => ticks > 0);
    expect(busy.length).toBeGreaterThanOrEqual(kWorkers);
  });

  it('keeps every queue through a hand-over and a kill -9 of the dataplane', async () => {
    const probing = await lab.startProbes('vm1', 'vm2', '10.2.0.12', { count: 300 });
    const { stdout } = await lab.exec('cn1', ['pgrep', '-f', '^dvr dataplane cn1']);
    await lab.exec('cn1', ['kill', '-9', stdout.trim().split('\n')[0] ?? '']);
    expect((await probing.result).lost).toBe(0);
    const { stdout: links } = await lab.exec('vm1', ['ip', '-d', '-j', 'link', 'show', 'eth0']);
    expect(JSON.parse(links)[0].linkinfo.info_data.numqueues).toBe(kWorkers);
  });
});
