/** A lab with three controllers on an etcd: whichever of them is killed, packets pass, and nodes do what the others say. */
import { describe, expect, it } from 'vitest';
import { controllerSockets } from '../../src/lab/controllers.js';
import { neighbours, whole, within } from '../support/cloud.js';
import { ask } from '../support/controller-process.js';
import { withLab } from '../support/lab.js';
import { processesOf, withoutSupervisor } from '../support/processes.js';

const kProbes = { count: 1_000, intervalMs: 10 };

describe('a lab with three controllers', () => {
  const lab = withLab(undefined, ['--controllers', '3']);
  const kill = (role: string): void => {
    for (const pid of processesOf(role)) process.kill(pid, 'SIGKILL');
  };
  /** Tells one controller which further address vm2 may use, and waits until the kernel of another node knows it. */
  async function allow(n: number, ip: string): Promise<void> {
    const socket = controllerSockets(3)[n - 1] ?? '';
    const { status } = await ask(socket, 'PATCH', '/dvr/v1/ports/vm2', JSON.stringify({ allowedAddressPairs: [{ ip }] }));
    expect(status).toBe(200);
    await within(`cn1 knows ${ip}`, async () => (await neighbours(lab, 'cn1')).some((line) => line.startsWith(`${ip} `)));
  }

  it('comes up as with one, and any of them answers', async () => {
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
    expect((await lab.dvr('status')).stdout).toContain('state in etcd at unix:');
    for (const n of [1, 2, 3]) await allow(n, `10.2.0.15${n}`);
  });

  it('loses no probe while they are killed one after another, and goes by what the last one says', async () => {
    const { result } = await lab.startProbes('vm1', 'vm2', '10.2.0.12', kProbes);
    await withoutSupervisor(async () => {
      kill('controller');
      await allow(2, '10.2.0.162');
      kill('controller 2');
      await allow(3, '10.2.0.163');
    });
    expect((await result).lostNumbers).toEqual([]);
    await whole(lab);
    await allow(1, '10.2.0.161');
  });

  it('loses no probe while etcd is killed, and needs no restart when it is back', async () => {
    const { result } = await lab.startProbes('vm1', 'vm2', '10.2.0.12', kProbes);
    kill('etcd');
    await within('a controller writes again', async () =>
      (await ask(controllerSockets(3)[1] ?? '', 'PATCH', '/dvr/v1/ports/vm1', '{"allowedAddressPairs":[]}')).status === 200);
    await allow(3, '10.2.0.173');
    expect((await result).lostNumbers).toEqual([]);
  });
});
