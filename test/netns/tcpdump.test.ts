/**
 * The devices br-int and br-tun show what passes while somebody looks, from the first packet on, and cost
 * nothing while nobody does: no copy is made, which the devices' own counters prove.
 */
import { describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { capture, type Hop } from '../support/cloud.js';
import { withLab } from '../support/lab.js';

const bridges = ['br-int', 'br-tun'] as const;
const kNode = 'cn1';
/** tcpdump's socket is seen within this time (probes say 6 to 23 ms; the watch asks every 20 ms or so). */
const kPromptMs = 150;

describe('looking at br-int and br-tun', () => {
  const lab = withLab();

  /** Packets the kernel has got from the dataplane on each device. */
  async function shown(): Promise<Record<(typeof bridges)[number], number>> {
    const ran = await lab.exec(kNode, ['ip', '-json', '-statistics', 'link', 'show']);
    const links = JSON.parse(ran.stdout) as { ifname: string; stats64: { rx: { packets: number } } }[];
    const count = (name: string): number => links.find(({ ifname }) => ifname === name)?.stats64.rx.packets ?? -1;
    return { 'br-int': count('br-int'), 'br-tun': count('br-tun') };
  }
  const traffic = async (): Promise<void> => { expect(await lab.ping('vm1', '10.2.0.12')).toBe(3); };
  const hop = (bridge: (typeof bridges)[number]): Hop => [kNode, bridge];

  it('costs nothing while nobody looks: no copy is made of what passes', async () => {
    const before = await shown();
    await traffic();
    expect(await shown()).toEqual(before);
    const { stages } = await controllerClient().nodeCall(kNode, 'counters');
    expect(stages['vxlan_encap']).toBeGreaterThanOrEqual(3);
  });

  it.each(bridges)('shows %s while somebody looks at it, and then no more', async (bridge) => {
    const other = bridge === 'br-int' ? 'br-tun' : 'br-int';
    const before = await shown();
    const seen = await capture(lab, { bridge: hop(bridge) }, traffic);
    const echoes = seen.bridge.filter(({ ip }) => ip?.icmp !== undefined);
    // br-int has each request before and after the router, and the reply for the VM; br-tun has each once.
    expect(echoes).toHaveLength(bridge === 'br-int' ? 9 : 6);
    const after = await shown();
    expect(after[bridge] - before[bridge]).toBe(seen.bridge.length);
    expect(after[other]).toBe(before[other]);
    await new Promise((resolve) => { setTimeout(resolve, kPromptMs); });
    await traffic();
    expect(await shown()).toEqual(after);
  });

  it('shows both to a capture on every device', async () => {
    const before = await shown();
    await capture(lab, { brInt: [kNode, 'br-int'], brTun: [kNode, 'br-tun'] }, traffic);
    const after = await shown();
    for (const bridge of bridges) expect(after[bridge] - before[bridge], bridge).toBeGreaterThanOrEqual(6);
  });

  it('shows packets at once, while they still pass: the first of a capture is the first that was sent', async () => {
    const seen = await capture(lab, { brInt: [kNode, 'br-int', 'vlan and icmp'], vm1: ['dvr-vm1', 'eth0', 'icmp'] },
      async () => { await lab.ping('vm1', '10.2.0.12', { count: 2 }); });
    expect(seen.brInt[0]?.ip?.icmp?.sequence).toBe(1);
    const lateUs = (seen.brInt[0]?.timeUs ?? 0) - (seen.vm1[0]?.timeUs ?? 0);
    expect(Math.abs(lateUs)).toBeLessThan(kPromptMs * 1000);
  });
});
