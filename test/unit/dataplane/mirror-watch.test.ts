import { describe, expect, it } from 'vitest';
import type { DeviceInfo } from '../../../src/dataplane/interface.js';
import { mirrorsListened, packetSocketsOfProc } from '../../../src/dataplane/mirror-watch.js';

const devices: DeviceInfo[] = [
  { spec: { kind: 'mirror', name: 'br-int', portId: 2 }, fds: [3], ifindex: 7, features: [] },
  { spec: { kind: 'mirror', name: 'br-tun', portId: 3 }, fds: [4], ifindex: 8, features: [] },
  { spec: { kind: 'tap', name: 'vm/vm1', portId: 16, mtuBytes: 1500 }, fds: [5], ifindex: 9, features: [] },
];

describe('mirrorsListened', () => {
  it('copies to a mirror only while a socket is on it', () => {
    expect(mirrorsListened([], devices)).toEqual({ brInt: false, brTun: false });
    expect(mirrorsListened([8], devices)).toEqual({ brInt: false, brTun: true });
  });

  it('takes a socket on every interface for both (`tcpdump -i any`)', () => {
    expect(mirrorsListened([0], devices)).toEqual({ brInt: true, brTun: true });
  });

  it('does not take a socket on another device', () => {
    expect(mirrorsListened([9, 42], devices)).toEqual({ brInt: false, brTun: false });
  });

  it('has nobody listen on mirrors that are not open', () => {
    expect(mirrorsListened([0], [])).toEqual({ brInt: false, brTun: false });
  });
});

describe('packetSocketsOfProc', () => {
  it('reads the interface of every socket', () => {
    const text = 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n'
      + '0000000000000000 3      3    0003   7     1 0      0      12345\n0000000000000000 3      2    0003   0     1 0      0      12346\n';
    expect(packetSocketsOfProc(text)).toEqual([7, 0]);
  });
});
