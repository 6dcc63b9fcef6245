/** Addresses that several ports may use, on a node: where they lead, and what its own ports say of them. */
import { describe, expect, it } from 'vitest';
import { Announcements, kMaxAnnounced, type AnnouncedEvent } from '../../../src/agents/l2/announcements.js';
import { brIntProgram } from '../../../src/agents/l2/br-int-program.js';
import { brTunProgram } from '../../../src/agents/l2/br-tun-program.js';
import type { TableName } from '../../../src/dataplane/rows.js';
import type { NodeView, PortView } from '../../../src/model/node-view.js';
import { tenantNeighbours } from '../../../src/namespaces/tenant-neighbours.js';
import { firstOfEachKey } from './admitted.js';
import { cn1, ids, mac, port, red, withNetwork } from './picture.js';

const vmac = '00:00:5e:00:01:33';
const vip = '10.1.0.100';
const vtep2 = '172.16.0.12';

/** vm1 here and vm3 on cn2 may both use the address, by their own MACs or by one for both. */
function sharing(holder: 'vm1' | 'vm3' | undefined, by: 'own' | 'virtual'): NodeView {
  const shared = (name: 'vm1' | 'vm3'): Partial<PortView> => {
    const pair = { ip: vip, mac: by === 'own' ? mac[name] : vmac };
    return { allowedAddressPairs: [pair], ...(holder === name ? { holds: [pair] } : {}) };
  };
  return withNetwork(cn1, {
    ...red, ports: [port('vm1', 'cn1', '10.1.0.11', shared('vm1')), port('vm3', 'cn2', '10.1.0.13', shared('vm3'))],
  });
}

const rowsOf = (view: NodeView, table: TableName): Record<string, unknown>[] =>
  firstOfEachKey([...brIntProgram(view, ids), ...brTunProgram(view, ids)])
    .filter((row) => row.table === table).map(({ key, value }) => ({ ...key, ...value }));
const answer = (view: NodeView): unknown => rowsOf(view, 'neighbours').find(({ ip }) => ip === vip);
const routed = (view: NodeView): string | undefined =>
  tenantNeighbours('qr-red', view.networks[0] ?? red, ['10.1.0.1/24']).find(({ ip }) => ip === vip)?.mac;
const at = (view: NodeView, table: TableName, of: string): unknown => rowsOf(view, table).find((row) => row['mac'] === of);

describe('an address that vm1 here and vm3 elsewhere may use', () => {
  it.each([['vm1', mac.vm1], ['vm3', mac.vm3], [undefined, mac.vm1]] as const)(
    'held by %s is answered for, and routed to, with the MAC of that port; before that, of the first by name', (holder, expected) => {
      const view = sharing(holder, 'own');
      expect(answer(view)).toEqual({ local_vlan: 1, ip: vip, mac: expected, router: false, movable: true });
      expect(routed(view)).toBe(expected);
    },
  );

  it('leads with its virtual MAC to the port here while that holds it', () => {
    for (const view of [sharing('vm1', 'virtual'), sharing(undefined, 'virtual')]) {
      expect(at(view, 'switch', vmac)).toEqual({ local_vlan: 1, mac: vmac, port: 16 });
      expect(at(view, 'dvr_to_src_mac', vmac)).toMatchObject({ port: 16 });
      expect(at(view, 'ucast_to_tun', vmac)).toBeUndefined();
    }
  });

  it('leads with its virtual MAC to the other node once that is announced there, past the port here that may use it too', () => {
    const view = sharing('vm3', 'virtual');
    expect(at(view, 'switch', vmac)).toBeUndefined();
    expect(at(view, 'dvr_to_src_mac', vmac)).toBeUndefined();
    expect(at(view, 'ucast_to_tun', vmac)).toMatchObject({ vtep: vtep2 });
    expect(answer(view)).toMatchObject({ mac: vmac });
    expect(at(view, 'switch', mac.vm1)).toMatchObject({ port: 16 });
  });

  it('leads to one of two ports of one node', () => {
    const { ports } = sharing('vm3', 'virtual').networks[0] ?? red;
    const together = withNetwork(cn1, { ...red, ports: ports.map((one) => ({ ...one, node: 'cn1' })) });
    const view = { ...together, localPorts: [...cn1.localPorts, { name: 'vm3', network: 'red', portSecurity: true }] };
    const numbers = { ...ids, ports: { ...ids.ports, 'vm/vm3': 21 } };
    const rows = firstOfEachKey(brIntProgram(view, numbers)).filter(({ key }) => (key as { mac?: string }).mac === vmac);
    expect(rows.map(({ table, value }) => [table, (value as { port?: number }).port])).toEqual([['dvr_to_src_mac', 21], ['switch', 21]]);
  });
});

describe('what ports of the node announce', () => {
  const pairs = [{ ip: vip, mac: mac.vm1 }, { ip: '10.1.0.101', mac: vmac }, { ip: 'fd00:1::/64', mac: mac.vm1 }];
  const view = withNetwork(cn1, { ...red, ports: [port('vm1', 'cn1', '10.1.0.11', { allowedAddressPairs: pairs })] });
  const event = (ip: string, more: Partial<AnnouncedEvent> = {}): AnnouncedEvent =>
    ({ event: 'announced', portId: 16, ip, mac: mac.vm1, ...more });

  it('is told once, with its age, and again to a controller that comes', () => {
    const announcements = new Announcements();
    expect(announcements.hear(event(vip), view, ids, 1000)).toBe(true);
    expect(announcements.hear(event('10.1.0.101', { mac: vmac }), view, ids, 1100)).toBe(true);
    expect(announcements.hear(event('fd00:1::7'), view, ids, 1200)).toBe(true);
    const all = (nowMs: number): unknown[] => [
      { port: 'vm1', ip: vip, mac: mac.vm1, ageMs: nowMs - 1000 }, { port: 'vm1', ip: '10.1.0.101', mac: vmac, ageMs: nowMs - 1100 },
      { port: 'vm1', ip: 'fd00:1::7', mac: mac.vm1, ageMs: nowMs - 1200 },
    ];
    expect(announcements.take(1210)).toEqual(all(1210));
    expect(announcements.take(1220)).toEqual([]);
    expect(announcements.all(9000)).toEqual(all(9000));
  });

  it.each([
    ['another address', event('10.1.0.102')],
    ['an address with another MAC than its pair has', event('10.1.0.101')],
    ['anything by a port without pairs', event(vip, { portId: 17 })],
    ['anything by no port of the node', event(vip, { portId: 99 })],
  ])('counts for nothing where it is %s', (_what, one) => {
    expect(new Announcements().hear(one, view, ids, 0)).toBe(false);
  });

  it('is forgotten with the port or its pair', () => {
    for (const next of [{ ...view, localPorts: [] }, cn1]) {
      const announcements = new Announcements();
      announcements.hear(event(vip), view, ids, 0);
      announcements.follow(view);
      expect(announcements.all(0)).toHaveLength(1);
      announcements.follow(next);
      expect([announcements.all(0), announcements.take(0)]).toEqual([[], []]);
    }
  });

  it('is kept of so many addresses: those announced longest ago are forgotten', () => {
    const announcements = new Announcements();
    for (let host = 0; host <= kMaxAnnounced; ++host) announcements.hear(event(`fd00:1::1:${host.toString(16)}`), view, ids, host);
    announcements.hear(event(vip), view, ids, 9000);
    const kept = announcements.take(9000);
    expect(kept).toHaveLength(kMaxAnnounced);
    expect(kept.map(({ ip }) => ip)).toEqual(expect.arrayContaining([vip]));
    expect(kept.map(({ ip }) => ip)).not.toContain('fd00:1::1:1');
  });
});
