import { describe, expect, it } from 'vitest';
import { neighbourCommands, routeCommands, type Neighbour } from '../../../src/namespaces/namespace.js';
import { routerNamespace } from '../../../src/namespaces/router-namespace.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { cn1, mac, port, red, withNetwork } from '../agents/picture.js';

const contents = (view: NodeView = cn1) => routerNamespace(view.routers[0]!, view);
const neighboursOf = (view: NodeView): string[] => contents(view).neighbours.map(({ ip, mac: owner }) => `${ip} ${owner}`);

describe('routerNamespace of the seed\'s picture', () => {
  it('holds one device for each network, the same on every node', () => {
    expect(contents().name).toBe('qrouter-r1');
    expect(contents().devices).toEqual([
      { name: 'qr-red', from: { tap: 'qr/r1/red' }, sysctls: [], onlink: true, mac: mac.redGateway, addresses: ['10.1.0.1/24'], mtuBytes: 1500, ipv6: false },
      { name: 'qr-green', from: { tap: 'qr/r1/green' }, sysctls: [], onlink: true, mac: mac.greenGateway, addresses: ['10.2.0.1/24'], mtuBytes: 1500, ipv6: false },
    ]);
  });

  it('has one permanent neighbour for every VM of every attached subnet, wherever it is (checklist 18)', () => {
    expect(neighboursOf(cn1)).toEqual([
      `10.1.0.11 ${mac.vm1}`, `10.1.0.13 ${mac.vm3}`, `10.2.0.12 ${mac.vm2}`, `10.2.0.14 ${mac.vm4}`,
    ]);
  });

  it('sets the defaults that devices copy when they come in', () => {
    expect(contents().sysctls).toEqual(expect.arrayContaining(['net/ipv4/conf/default/send_redirects=0', 'net/ipv4/conf/all/send_redirects=0']));
  });
});

describe('neighbours where something differs', () => {
  it('has a single-address pair with the pair\'s MAC, and none for a CIDR (checklist 20)', () => {
    const pairs = [{ ip: '10.1.0.100', mac: '00:00:5e:00:01:01' }, { ip: '10.1.0.128/25', mac: mac.vm1 }, { ip: '10.1.0.101/32', mac: mac.vm1 }];
    const view = withNetwork(cn1, { ...red, ports: [port('vm1', 'cn1', '10.1.0.11', { allowedAddressPairs: pairs })] });
    expect(neighboursOf(view).slice(0, 3)).toEqual([`10.1.0.11 ${mac.vm1}`, '10.1.0.100 00:00:5e:00:01:01', `10.1.0.101 ${mac.vm1}`]);
  });

  it('has none for a port that is not bound (checklist 21)', () => {
    const { node: _, ...unbound } = port('vm3', 'cn2', '10.1.0.13');
    expect(neighboursOf(withNetwork(cn1, { ...red, ports: [unbound] }))).not.toContain(`10.1.0.13 ${mac.vm3}`);
  });

  it('has none for an address outside the interface\'s subnets, and none for the router itself', () => {
    const view = withNetwork(cn1, { ...red, ports: [port('vm1', 'cn1', '10.9.0.11'), port('vm3', 'cn2', '10.1.0.1')] });
    expect(neighboursOf(view)).toHaveLength(2);
  });

  it('lets a fixed address win over a pair that claims it', () => {
    const thief = port('vm1', 'cn1', '10.1.0.11', { allowedAddressPairs: [{ ip: '10.1.0.13', mac: mac.vm1 }] });
    expect(neighboursOf(withNetwork(cn1, { ...red, ports: [thief, port('vm3', 'cn2', '10.1.0.13')] }))).toContain(`10.1.0.13 ${mac.vm3}`);
  });
});

describe('neighbourCommands', () => {
  const at = (ip: string, owner: string): Neighbour => ({ device: 'qr-red', ip, mac: owner });

  it('adds before it deletes, and names exactly what it deletes', () => {
    expect(neighbourCommands([at('10.1.0.11', mac.vm1)], [at('10.1.0.13', mac.vm3)])).toEqual([
      `neigh replace 10.1.0.13 lladdr ${mac.vm3} dev qr-red nud permanent`,
      `neigh del 10.1.0.11 lladdr ${mac.vm1} dev qr-red`,
    ]);
  });

  it('never deletes an address that has moved to another MAC (checklist 19)', () => {
    expect(neighbourCommands([at('10.1.0.11', mac.vm1)], [at('10.1.0.11', mac.vm3)]))
      .toEqual([`neigh replace 10.1.0.11 lladdr ${mac.vm3} dev qr-red nud permanent`]);
  });
});

describe('routeCommands', () => {
  it('replaces what changed and deletes what is gone', () => {
    const before = [{ destination: '10.7.0.0/16', via: '10.1.0.11' }, { destination: '10.8.0.0/16', via: '10.1.0.11' }];
    expect(routeCommands(before, [{ destination: '10.7.0.0/16', via: '10.1.0.13' }])).toEqual([
      'route replace 10.7.0.0/16 via 10.1.0.13 proto 200', 'route del 10.8.0.0/16 via 10.1.0.11 proto 200',
    ]);
  });
});
