import { afterEach, describe, expect, it, vi } from 'vitest';
import { PluggedPorts } from '../../../src/agents/plugged-ports.js';
import type { Plug } from '../../../src/agents/desired.js';

const plugAt = (netns: string): Plug => ({
  port: 'vm1',
  wish: { netns, ifname: 'eth0', device: 'tap16', mac: 'fa:16:3e:00:01:01', mtuBytes: 1500, addresses: [], gateways: [] },
});
afterEach(() => { vi.unstubAllEnvs(); });

describe('a namespace that a device was put into', () => {
  it('has left when its name is gone', () => {
    expect(new PluggedPorts([plugAt('/run/netns/nowhere')]).hasLeft('vm/vm1', 4711)).toBe(true);
  });

  it('is not thought gone where nothing of the machine can be seen', () => {
    vi.stubEnv('DVR_HOST_ROOT', '/proc/4194304/root');
    const ports = new PluggedPorts([plugAt('/proc/4194304/root/run/netns/vm1')]);
    expect(ports.hasLeft('vm/vm1', 4711)).toBe(false);
  });
});
