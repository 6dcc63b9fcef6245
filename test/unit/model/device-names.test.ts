import { describe, expect, it } from 'vitest';
import { fipDeviceName, gatewayDeviceName, routerDeviceName, snatDeviceName } from '../../../src/model/device-names.js';

describe('a device of a router', () => {
  it('is called by its network', () => {
    expect(routerDeviceName('red')).toBe('qr-red');
    expect(routerDeviceName('exactly-12ch')).toBe('qr-exactly-12ch');
  });

  it.each(['a-network-with-a-long-name', 'dotted.name'])('is called by a hash of %s, which the kernel takes for no name', (network) => {
    const names = [routerDeviceName, snatDeviceName, gatewayDeviceName, fipDeviceName].map((nameOf) => nameOf(network));
    for (const [at, prefix] of ['qr', 'sg', 'qg', 'fg'].entries()) expect(names[at]).toMatch(new RegExp(`^${prefix}-[0-9a-f]{11}$`));
    expect(new Set(names.map((name) => name.slice(3))).size).toBe(1);
  });
});
