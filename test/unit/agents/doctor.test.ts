import { createSocket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { sysctlFindings } from '../../../src/agents/doctor/kernel.js';
import { leftoverFindings } from '../../../src/agents/doctor/leftovers.js';
import { deviceFindings, nicFindings } from '../../../src/agents/doctor/offloads.js';
import { largestPacket, mtuFinding, othersIn, pathFindings } from '../../../src/agents/doctor/underlay.js';
import { socketsAt } from '../../../src/agents/doctor/vxlan-port.js';
import { holdersOf } from '../../../src/agents/l3/socket-holders.js';
import type { Finding } from '../../../src/model/finding.js';
import { statSync } from 'node:fs';
import { cn1 } from './picture.js';

const text = (findings: readonly Finding[]): string[] => findings.map(({ level, what }) => `${level} ${what}`);
const widest = Math.max(...cn1.networks.map(({ mtuBytes }) => mtuBytes));

describe('the underlay\'s MTU', () => {
  it('must hold the widest network and what VXLAN adds, by family', () => {
    expect(largestPacket(cn1)).toBe(widest + 50);
    expect(largestPacket({ ...cn1, node: { ...cn1.node, vtepIp: '2001:db8::11' } })).toBe(widest + 70);
    expect(largestPacket({ ...cn1, networks: [] })).toBe(0);
  });

  it('fails by one byte', () => {
    expect(mtuFinding(cn1, { name: 'eth0', mtuBytes: widest + 50 }).level).toBe('ok');
    expect(mtuFinding(cn1, { name: 'eth0', mtuBytes: widest + 49 })).toMatchObject({
      level: 'fail', todo: expect.stringContaining(`ip link set eth0 mtu ${widest + 50}`) as unknown,
    });
  });
});

describe('peers', () => {
  const peer = (name: string, interop = false) => ({ name, vtepIp: '172.16.0.12', interop });

  it('that answer small packets alone are behind something narrow, those that answer none are away', () => {
    expect(text(pathFindings([[peer('cn2'), 'small'], [peer('nn1'), 'none'], [peer('tor', true), 'none'], [peer('nn2'), 'whole']], 1600))).toEqual([
      'fail packets of 1600 bytes do not get to cn2 (172.16.0.12), small ones do: something on the way has a smaller MTU',
      'fail nn1 (172.16.0.12) does not answer ping',
      'warn tor (172.16.0.12) does not answer ping',
    ]);
    expect(text(pathFindings([[peer('cn2'), 'whole']], 1600))).toEqual(['ok 1 peers answer packets of 1600 bytes']);
    expect(text(pathFindings([[peer('cn2'), 'not asked']], 1600))).toEqual(['warn 1 peers were not asked: there was no time']);
  });

  it('are known by MAC where two have one address', () => {
    expect(othersIn('Unicast reply from 172.16.0.11 [02:AA:00:00:00:01]  0.6ms\nUnicast reply from 172.16.0.11 [02:AA:00:00:00:01]  0.6ms\n'))
      .toEqual(['02:aa:00:00:00:01']);
    expect(othersIn('Sent 2 probes (2 broadcast(s))\nReceived 0 response(s)\n')).toEqual([]);
  });
});

describe('offloads', () => {
  it('that the kernel has not are named, device by device', () => {
    const found = deviceFindings({ devices: [
      { spec: { kind: 'vtep', name: 'vtep', portId: 1, vtepIp: '172.16.0.11' }, fds: [], ifindex: 0, features: ['udp_segment'] },
      { spec: { kind: 'tap', name: 'vm/vm1', portId: 16, mtuBytes: 1450 }, fds: [], ifindex: 3, features: ['csum', 'tso', 'uso'] },
    ] });
    expect(text(found)).toEqual(['warn vtep does without udp_gro: more work for each packet']);
  });

  it('of a card break forwarding where it joins packets, and cost time where it leaves checksums to the CPU', () => {
    const said = (lro: string, checksums: string): string => `Features for eth0:\ntx-checksumming: ${checksums}\nlarge-receive-offload: ${lro} [fixed]\n`;
    expect(text(nicFindings('eth0', said('off', 'on')))).toEqual([]);
    expect(nicFindings('eth0', said('on', 'off')).map(({ level }) => level)).toEqual(['fail', 'warn']);
    expect(nicFindings('eth0', '')).toEqual([]);
  });
});

describe('leftovers', () => {
  it('are namespaces and devices with names of ours that nobody knows; others are nobody\'s business', () => {
    const known = { namespaces: new Set(['qrouter-r1']), taps: new Set(['tap16']) };
    expect(leftoverFindings(known, ['qrouter-r1', 'snat-r9', 'web'], ['lo', 'tap16', 'tap77', 'rfp-r1', 'tapvm']).map(({ todo }) => todo)).toEqual([
      'if you do not need it: ip netns del snat-r9', 'if you do not need it: ip link del tap77', 'if you do not need it: ip link del rfp-r1',
    ]);
    expect(text(leftoverFindings(known, ['qrouter-r1', 'web'], ['lo', 'tap16']))).toEqual(['ok nothing is left over']);
  });
});

describe('sysctls of a namespace', () => {
  it('are named where they are otherwise, and left alone where the kernel has none', () => {
    const wanted = ['net/ipv4/ip_forward=1', 'net/ipv6/conf/all/forwarding=1', 'net/ipv4/conf/all/rp_filter=0'];
    expect(sysctlFindings('qrouter-r1', wanted, 'net/ipv4/ip_forward=0\nnet/ipv4/conf/all/rp_filter=0\n')).toEqual([{
      check: 'kernel', level: 'fail', what: 'net.ipv4.ip_forward is 0 in qrouter-r1, and must be 1',
      todo: 'ip netns exec qrouter-r1 sysctl -w net.ipv4.ip_forward=1',
    }]);
  });
});

describe('who has a UDP port', () => {
  it('is found by the kernel\'s list: at the address, or at any', async () => {
    for (const address of ['127.0.0.1', '0.0.0.0']) {
      const socket = createSocket('udp4');
      await new Promise<void>((done) => { socket.bind(0, address, done); });
      const { port } = socket.address();
      const found = socketsAt(port, '127.0.0.1');
      expect(found).toHaveLength(1);
      expect(holdersOf(new Set(found), statSync('/proc/self/ns/net').ino).get(found[0] ?? 0)?.pid).toBe(process.pid);
      expect(socketsAt(port, '127.0.0.2')).toHaveLength(address === '0.0.0.0' ? 1 : 0);
      socket.close();
    }
  });
});
