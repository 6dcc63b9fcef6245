import { describe, expect, it } from 'vitest';
import type { DeviceInfo } from '../../../src/dataplane/interface.js';
import { mirrorsListened } from '../../../src/dataplane/mirror-watch.js';
import type { PacketSocket } from '../../../src/dataplane/native.js';

const devices: DeviceInfo[] = [
  { spec: { kind: 'mirror', name: 'br-int', portId: 2 }, fds: [3], ifindex: 7, features: [] },
  { spec: { kind: 'mirror', name: 'br-tun', portId: 3 }, fds: [4], ifindex: 8, features: [] },
  { spec: { kind: 'mirror', name: 'br-ex', portId: 4 }, fds: [6], ifindex: 10, features: [] },
  { spec: { kind: 'tap', name: 'vm/vm1', portId: 16, mtuBytes: 1500 }, fds: [5], ifindex: 9, features: [] },
];

const on = (ifindex: number): PacketSocket => ({ ifindex, inode: 4711 });

describe('mirrorsListened', () => {
  it('copies to a mirror only while a socket is on it', () => {
    expect(mirrorsListened([], devices)).toEqual({ brInt: false, brTun: false, brEx: false });
    expect(mirrorsListened([on(8)], devices)).toEqual({ brInt: false, brTun: true, brEx: false });
    expect(mirrorsListened([on(10)], devices)).toEqual({ brInt: false, brTun: false, brEx: true });
  });

  it('takes a socket on every interface for all (`tcpdump -i any`)', () => {
    expect(mirrorsListened([on(0)], devices)).toEqual({ brInt: true, brTun: true, brEx: true });
  });

  it('does not take a socket on another device', () => {
    expect(mirrorsListened([on(9), on(42)], devices)).toEqual({ brInt: false, brTun: false, brEx: false });
  });

  it('has nobody listen on mirrors that are not open', () => {
    expect(mirrorsListened([on(0)], [])).toEqual({ brInt: false, brTun: false, brEx: false });
  });
});
