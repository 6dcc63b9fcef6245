import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { attachWords, hands, deviceWords, type AttachWish } from '../../../src/namespaces/scripts.js';

const run = promisify(execFile);
const folder = new URL('../../../scripts/netns/', import.meta.url).pathname;
const dryRun = async (script: string, ...words: string[]): Promise<string[]> =>
  (await run(`${folder}${script}.sh`, [...words, '--dry-run'])).stdout.trim().split('\n').filter((line) => !line.startsWith('modprobe'));

const wish: AttachWish = {
  netns: '/run/netns/vm1', ifname: 'eth0', device: 'tap16', mac: 'fa:16:3e:00:01:01', mtuBytes: 1500,
  addresses: ['10.1.0.11/24', 'fd00:1::11/64'], gateways: ['10.1.0.1'],
};
const inside = 'nsenter --net=/run/netns/vm1 ip';

describe('attach-netns.sh', () => {
  it('sets MAC and MTU before the move, renames with it, and brings up before routes', async () => {
    expect(await dryRun('attach-netns', 'up', ...attachWords(wish))).toEqual([
      'ip link set dev tap16 down address fa:16:3e:00:01:01 mtu 1500',
      'ip link set dev tap16 netns /run/netns/vm1 name eth0',
      `${inside} link set dev eth0 mtu 1500`,
      `${inside} address replace 10.1.0.11/24 dev eth0`,
      `${inside} -6 address replace fd00:1::11/64 dev eth0 nodad`,
      `${inside} link set dev lo up`,
      `${inside} link set dev eth0 up`,
      `${inside} -4 route replace default via 10.1.0.1 dev eth0 onlink`,
    ]);
  });

  it('makes the device listen to routers before it comes up, and only where they advertise', async () => {
    const lines = await dryRun('attach-netns', 'up', ...attachWords({ ...wish, acceptRa: true }));
    const listens = lines.findIndex((line) => line.includes('accept_ra=2 autoconf=1'));
    expect(lines.slice(0, listens + 1).join('\n')).toContain(`${inside} link set dev eth0 mtu 1500\nnsenter --net=/run/netns/vm1 sh`);
    expect(lines.indexOf(`${inside} link set dev eth0 up`)).toBeGreaterThan(listens);
    expect((await dryRun('attach-netns', 'up', ...attachWords(wish))).join()).not.toContain('accept_ra');
  });

  it('takes a process as the place', async () => {
    const words = ['--pid', '4711', '--ifname', 'eth0', '--mac', 'fa:16:3e:00:01:01'];
    expect(await dryRun('attach-netns', 'down', ...words)).toEqual(['nsenter --net=/proc/4711/ns/net ip link del dev eth0']);
  });

  it('keeps a name with shell characters one word', async () => {
    const lines = await dryRun('attach-netns', 'up', ...attachWords({ ...wish, netns: '/run/netns/$(touch x) y' }));
    expect(lines[1]).toBe('ip link set dev tap16 netns /run/netns/$(touch x) y name eth0');
  });
});

describe('namespace.sh', () => {
  it('sets sysctls before any device, then takes the TAP in', async () => {
    const device = { name: 'qr-red', from: { tap: 'qr/r1/red' }, onlink: true, sysctls: ['net/ipv4/conf/qr-red/proxy_arp=1'], mac: 'fa:16:3e:00:00:01', addresses: ['10.1.0.1/24'], mtuBytes: 1500, ipv6: false };
    const made = await dryRun('namespace', 'up', '--namespace', 'qrouter-none', '--sysctl', 'net/ipv4/ip_forward=1');
    const taken = await dryRun('namespace', 'up', '--namespace', 'qrouter-none', ...deviceWords('tap18', device));
    const lines = [...made, ...taken];
    const order = ['ip netns add', 'sysctls net/ipv4/ip_forward=1', 'netns qrouter-none name qr-red', 'disable_ipv6=1', 'dev qr-red up', 'replace 10.1.0.1/24', 'qr-red/proxy_arp=1']
      .map((words) => lines.findIndex((line) => line.includes(words)));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((left, right) => left - right));
  });

  it('deletes the namespace on down', async () => {
    expect(await dryRun('namespace', 'down', '--namespace', 'qrouter-none')).toEqual(['ip netns del qrouter-none']);
  });
});

describe('mirror.sh', () => {
  it('switches IPv6 off before the device is up', async () => {
    const lines = await dryRun('mirror', 'up', '--name', 'br-int');
    expect(lines.at(-1)).toBe('ip link set dev br-int up');
    expect(lines.findIndex((line) => line.includes('disable_ipv6'))).toBe(0);
  });

  it('touches no other device', async () => {
    await expect(dryRun('mirror', 'up', '--name', 'eth0')).rejects.toMatchObject({ code: 2 });
  });
});

describe('hands', () => {
  const scriptsWith = (body: string): string => {
    const made = mkdtempSync(join(tmpdir(), 'dvr-scripts-'));
    writeFileSync(join(made, 'attach-netns.sh'), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return made;
  };

  it('says what a script said, with its exit code as cause', async () => {
    await expect(hands(scriptsWith('echo it is not there >&2; exit 3')).attach(wish))
      .rejects.toMatchObject({ code: 'DVR_SCRIPT_FAILED', message: 'it is not there', cause: { exitCode: 3 } });
  });

  it('names a script that is not there', async () => {
    await expect(hands('/nowhere').attach(wish)).rejects.toMatchObject({ code: 'DVR_SCRIPT_FAILED' });
  });
});
