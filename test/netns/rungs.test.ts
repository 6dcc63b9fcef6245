/**
 * The ladder of kernel features that the fast path stands on: whatever is missing, all traffic passes, whole and
 * in order, and the counters say which way it went. Each rung is forced in a lab of its own.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { type DeviceFeature, deviceFeatures } from '../../src/dataplane/interface.js';
import { flows, transfer } from '../support/cloud.js';
import { withLab } from '../support/lab.js';

const kBytes = 8 << 20;

const rungs: readonly (readonly DeviceFeature[])[] = [
  [], ['uso'], ['tso'], ['csum'], ['udp_segment_128'], ['udp_segment'], ['udp_gro'], deviceFeatures,
];

describe.each(rungs.map((without) => ({ without })))('a lab without $without', ({ without }) => {
  beforeAll(() => { process.env['DVR_WITHOUT'] = without.join(','); });
  afterAll(() => { delete process.env['DVR_WITHOUT']; });
  const lab = withLab();
  const engine = async (node: string): Promise<Readonly<Record<string, number>>> =>
    (await controllerClient().nodeCall(node, 'counters')).engine;

  it('has devices with none of it', async () => {
    const { devices } = await controllerClient().nodeCall('cn1', 'hello');
    const found = new Set(devices.flatMap(({ features }) => features));
    expect(without.filter((feature) => found.has(feature))).toEqual([]);
    expect(found.size > 0).toBe(without.length < deviceFeatures.length);
  });

  it.each([['vm3', '10.1.0.13', 'same subnet'], ['vm2', '10.2.0.12', 'routed'], ['vm4', '10.2.0.14', 'same node']])(
    'carries a TCP stream to %s (%s, %s) whole', async (to, address) => {
      const { sent, received } = await transfer(lab, 'vm1', to, address, kBytes);
      expect(received.bytes).toBe(kBytes);
      expect(received.sha256).toBe(sent.sha256);
    });

  it('keeps the order of 32 interleaved flows there and back', async () => {
    const { sent, received, disordered } = await flows(lab, 'vm1', 'vm2', '10.2.0.12', 300);
    expect(disordered).toBe(0);
    expect(received).toBeGreaterThan(sent * 0.9);
  });

  it('has used what is left, and nothing else', async () => {
    const [sender, receiver] = [await engine('cn1'), await engine('cn2')];
    const used = (name: string, by = sender): boolean => (by[name] ?? 0) > 0;
    const lacks = (...features: DeviceFeature[]): boolean => features.some((feature) => without.includes(feature));
    expect(used('trains')).toBe(!lacks('udp_segment'));
    expect(sender['longest_train'] ?? 0).toBeLessThanOrEqual(lacks('udp_segment_128') ? 64 : 128);
    expect(used('super_frames_in')).toBe(!lacks('tso', 'csum'));
    expect(used('runs', receiver)).toBe(!lacks('tso', 'csum'));
  });
});
