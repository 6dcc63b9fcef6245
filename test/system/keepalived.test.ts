/**
 * An address that VRRP moves between two VMs on different nodes: keepalived of Debian, with the VMs' own MACs and with
 * a virtual one. Whatever happens to the master, traffic from its network, from routed ones and by a floating IP follows
 * the address, also on a node that has no port of the network and hears no announcement. A master that was killed keeps
 * the address, and must not get its packets.
 *
 * How long the address was silent is printed; most of it is VRRP itself, which waits for three advertisements.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFrame } from '../../src/trace/frame.js';
import { mustBeZero, neighbours, portInView, whole, within } from '../support/cloud.js';
import { answerWithName, Keepalived, virtualMac, whoAnswers, type Instance } from '../support/keepalived.js';
import { withLab } from '../support/lab.js';
import { topologyWithOutside } from '../support/outside.js';
import { processesOf, withoutSupervisor } from '../support/processes.js';

const plain = { vrid: 51, usesVirtualMac: false, ip: '10.1.0.100', ip6: 'fd00:1::100', fip: '203.0.113.150' } satisfies Instance & { fip: string };
const virtual = { vrid: 52, usesVirtualMac: true, ip: '10.1.0.101', ip6: 'fd00:1::101', fip: '203.0.113.151' } satisfies Instance & { fip: string };
const vmac = virtualMac(virtual);

/** What a virtual MAC sends is: announcements, and advertisements with the VM's own address. Answers leave with the VM's own MAC. */
const pairs = (own: string): string => JSON.stringify([
  ...[plain, virtual].flatMap(({ ip, ip6 }) => [{ ip }, { ip: ip6 }]),
  ...[virtual.ip, own].map((ip) => ({ ip, mac: vmac })),
]);

describe('an address that keepalived moves', () => {
  const lab = withLab(topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24, "fd00:1::/64"], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24, "fd00:2::/64"], mtu: 1500 }
routers: { r1: { networks: [red, green], gateway: ext } }
ports:
  lb1: { network: red, node: cn1, ips: [10.1.0.11, "fd00:1::11"], allowed_address_pairs: ${pairs('10.1.0.11')} }
  lb2: { network: red, node: cn2, ips: [10.1.0.12, "fd00:1::12"], allowed_address_pairs: ${pairs('10.1.0.12')} }
  near: { network: red, node: cn1, ips: [10.1.0.21, "fd00:1::21"] }
  far: { network: green, node: cn2, ips: [10.2.0.31, "fd00:2::31"] }
  away: { network: green, node: cn3, ips: [10.2.0.32, "fd00:2::32"] }
  # The shared addresses are kept free by ports that are bound nowhere, and have floating IPs.
  kept: { network: red, ips: [${plain.ip}] }
  kept-virtual: { network: red, ips: [${virtual.ip}] }
floating_ips: { ${plain.fip}: { port: kept }, ${virtual.fip}: { port: kept-virtual } }
`, { nodes: { cn3: { vtep: '172.16.0.13' } } }));
  const folder = mkdtempSync(join(tmpdir(), 'dvr-keepalived-'));
  afterAll(() => { rmSync(folder, { recursive: true }); });
  beforeAll(async () => {
    for (const vm of ['lb1', 'lb2']) {
      await answerWithName(lab, vm);
      await lab.start(vm, [process.execPath, 'test/support/echo.mjs', '7007']);
    }
  });

  describe.each([['with the VMs\' own MACs', plain], ['with a virtual MAC', virtual]] as const)('%s', (_how, instance) => {
    const { ip, ip6, fip, usesVirtualMac } = instance;
    let first: Keepalived;
    let second: Keepalived;
    beforeAll(async () => {
      first = await Keepalived.start(lab, folder, 'lb1', 150, instance);
      second = await Keepalived.start(lab, folder, 'lb2', 100, instance);
    });
    afterAll(async () => {
      await first.stop();
      await second.stop();
    });

    /** Until the VM answers at both addresses, from the same network, a routed one, and a node without the network. */
    const untilHeldBy = async (vm: string): Promise<void> => {
      for (const from of ['near', 'far', 'away'])
        for (const address of [ip, ip6])
          await within(`${vm} answers ${from} at ${address}`, async () => (await whoAnswers(lab, from, address)) === vm);
      await within(`${vm} answers from outside`, async () => (await whoAnswers(lab, 'ext', fip)) === vm);
      const holds = (await portInView('cn3', vm))?.holds ?? [];
      expect(holds.map((held) => held.ip)).toEqual(expect.arrayContaining([ip, ip6]));
      // An address of the other family keepalived puts beside the VM's own, whatever MAC the router has.
      const own = (await portInView('cn3', vm))?.mac ?? '';
      for (const node of ['cn1', 'cn2', 'cn3'])
        expect(await neighbours(lab, node)).toEqual(expect.arrayContaining([`${ip} ${usesVirtualMac ? vmac : own}`, `${ip6} ${own}`]));
    };

    /** Does it while a pinger in a routed network asks 100 times a second: how long nobody answered. */
    const silence = async (what: string, heir: string, act: () => Promise<unknown>): Promise<void> => {
      const capture = await lab.startCapture(heir, 'eth0', `arp or udp port 7007`, 128);
      const { result } = await lab.startProbes('away', 'near', ip, { count: 200 });
      await act();
      const { longestLostRun } = await result;
      const seen = (await capture.stop()).map(({ timeUs, data }) => ({ timeUs, frame: decodeFrame(data) }));
      const told = seen.find(({ frame }) => frame?.arp?.senderIp === ip && frame.arp.targetIp === ip);
      const came = seen.find(({ timeUs, frame }) => frame?.ip?.dst === ip && timeUs > (told?.timeUs ?? Infinity));
      const followed = told === undefined || came === undefined ? 'was not seen' : `${Math.round((came.timeUs - told.timeUs) / 1000)} ms`;
      console.log(`${what}${usesVirtualMac ? ', virtual MAC' : ''}: ${longestLostRun * 10} ms without an answer; `
        + `from the announcement to the first packet: ${followed}`);
      await untilHeldBy(heir);
    };

    it('is the master\'s: the one with the higher priority', async () => {
      await untilHeldBy('lb1');
    });

    it('follows when the master is killed, though that keeps the address', async () => {
      await silence('master killed', 'lb2', () => first.kill());
      expect((await lab.exec('lb1', ['ip', 'address', 'show'])).stdout).toContain(`${ip}/32`);
    });

    it('goes back when the master is there again, and follows when that is stopped as it should be', async () => {
      first = await Keepalived.start(lab, folder, 'lb1', 150, instance);
      await untilHeldBy('lb1');
      await silence('master stopped', 'lb2', () => first.stop());
      first = await Keepalived.start(lab, folder, 'lb1', 150, instance);
      await untilHeldBy('lb1');
    });

    it('follows when the master\'s VM is paused, and goes back when that comes to with its stale address', async () => {
      await silence('master paused', 'lb2', () => { first.pause(); return Promise.resolve(); });
      first.resume();
      await untilHeldBy('lb1');
    });

    it('follows, when a controller is back, what was announced while there was none; its network did not wait', async () => {
      await lab.ping('near', ip);
      await withoutSupervisor(async () => {
        for (const pid of processesOf('controller')) process.kill(pid, 'SIGKILL');
        await first.stop();
        // A virtual MAC is where the controller says it is.
        if (!usesVirtualMac) await within('lb2 answers near', async () => (await whoAnswers(lab, 'near', ip)) === 'lb2');
        else await within('lb2 has the address', async () => (await lab.exec('lb2', ['ip', 'address'])).stdout.includes(`${ip}/32`));
      });
      await whole(lab);
      await untilHeldBy('lb2');
      first = await Keepalived.start(lab, folder, 'lb1', 150, instance);
      await untilHeldBy('lb1');
    });

    it('follows when the master\'s VM is cut off, and goes back when that is there again', async () => {
      const inside = async (...words: string[]): Promise<unknown> => mustBeZero(await lab.exec('lb1', ['ip', ...words]));
      await silence('master cut off', 'lb2', () => inside('link', 'set', 'eth0', 'down'));
      await inside('link', 'set', 'eth0', 'up');
      await inside('route', 'replace', 'default', 'via', '10.1.0.1');
      await inside('-6', 'address', 'replace', 'fd00:1::11/64', 'dev', 'eth0');
      await inside('-6', 'route', 'replace', 'default', 'via', 'fd00:1::1');
      await untilHeldBy('lb1');
    });
  });
});
