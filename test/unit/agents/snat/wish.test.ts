import { describe, expect, it } from 'vitest';
import { snatWish } from '../../../../src/agents/snat/wish.js';
import { withElected } from '../../../../src/model/elected.js';
import type { NodeView } from '../../../../src/model/node-view.js';
import { externalState, externalText, viewOf } from '../../controller/external.js';

const viewAt = (node: string, text = externalText): NodeView => ({ generation: 1, ...viewOf(externalState(text), node) });
const snatPlaces = (view: NodeView): (string | undefined)[] =>
  view.networks.flatMap(({ ports }) => ports.filter(({ name }) => name.startsWith('sg/')).map(({ node }) => node));

describe('what a SNAT agent is asked for', () => {
  it('on a network node is its candidacy: its gates, its namespace, and the gateway that must answer', () => {
    expect(snatWish(viewAt('nn2'))).toEqual({
      node: 'nn2', vtepIp: '172.16.0.22', peers: { cn1: '172.16.0.11', cn2: '172.16.0.12', nn1: '172.16.0.21' },
      entries: [{
        router: 'r1', candidates: ['nn1', 'nn2'], voters: ['nn1', 'nn2', 'cn1', 'cn2'], listeners: [],
        stand: {
          gates: ['sg/r1/red', 'sg/r1/green', 'qg/r1'], netns: '/run/netns/snat-r1',
          proof: { target: '203.0.113.1', standbyNetns: '/run/netns/fip-ext' },
        },
      }],
    });
  });

  it('elsewhere is its vote', () => {
    expect(snatWish(viewAt('cn2')).entries).toEqual([{ router: 'r1', candidates: ['nn1', 'nn2'], voters: ['nn1', 'nn2'], listeners: [] }]);
  });

  it('is nothing where there is nobody to choose between', () => {
    const alone = externalText.replace('nn2: { vtep: 172.16.0.22, provider: { physnet1: ex0 }, network_node: true }', 'nn2: { vtep: 172.16.0.22 }');
    expect(snatWish(viewAt('nn1', alone)).entries).toEqual([]);
  });
});

describe('a view with who was elected', () => {
  it('has the gateway and its devices where they now are', () => {
    const view = withElected(viewAt('cn1'), { r1: 'nn2' });
    expect(view.routers[0]?.gateway?.node).toBe('nn2');
    expect(snatPlaces(view)).toEqual(['nn2', 'nn2']);
  });

  it('is the controller\'s own where nobody was, or one who cannot be', () => {
    const view = viewAt('cn1');
    for (const winners of [{}, { r1: 'nn1' }, { r1: 'cn2' }, { r9: 'nn2' }]) expect(withElected(view, winners)).toBe(view);
  });
});
