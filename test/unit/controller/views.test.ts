/** What each node is told: everything it needs, and nothing of what it has nothing to do with. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { nodesOfRouter } from '../../../src/controller/router-copies.js';
import { networkMtu } from '../../../src/controller/network-views.js';
import { viewsOf, type ViewContent } from '../../../src/controller/views.js';
import { apply, attachCommand, bind, named, run, seedState, seedText } from './support.js';

const viewOf = (state: ControllerState, node: string): ViewContent => {
  const view = viewsOf(state.intent).content.get(node);
  if (view === undefined) throw new Error(`no view of ${node}`);
  return view;
};
const textOf = (state: ControllerState, node: string): string | undefined =>
  JSON.stringify(viewsOf(state.intent).content.get(node));

describe("the view of cn1 in the seed's picture", () => {
  const view = viewOf(seedState(), 'cn1');

  it('has both networks with all bound ports, local and remote', () => {
    expect(
      view.networks.map(({ name, vni, ports }) => [
        name,
        vni,
        ports.map((port) => `${port.name}@${port.node}`),
      ]),
    ).toEqual([
      ['green', 102, ['vm2@cn2', 'vm4@cn1']],
      ['red', 101, ['vm1@cn1', 'vm3@cn2']],
    ]);
  });

  it('floods to the other node that has a port, not to itself and not to a node without', () => {
    expect(view.networks.map(({ floodVteps }) => floodVteps)).toEqual([
      ['172.16.0.12'],
      ['172.16.0.12'],
    ]);
  });

  it('has the router with the MACs that every other node is told', () => {
    expect(view.routers).toEqual(viewOf(seedState(), 'cn2').routers);
    expect(view.networks[1]?.routerInterfaces).toEqual([
      { routerId: 'r1', mac: 'fa:16:3e:00:00:01', addresses: ['10.1.0.1/24'] },
    ]);
    expect(view.networks[1]?.subnets).toEqual([{ cidr: '10.1.0.0/24', gatewayIp: '10.1.0.1' }]);
  });

  it('knows the DVR MACs of all other nodes, and its own', () => {
    expect(view.node.dvrMac).toBe('fa:16:3f:00:00:01');
    expect(view.peers).toEqual([
      { name: 'cn2', vtepIp: '172.16.0.12', dvrMac: 'fa:16:3f:00:00:02', interop: false },
      { name: 'nn1', vtepIp: '172.16.0.21', dvrMac: 'fa:16:3f:00:00:03', interop: false },
    ]);
  });

  it('says where a local port is to appear', () => {
    const state = run(emptyState, apply(seedText), attachCommand('vm1'));
    expect(viewOf(state, 'cn1').localPorts).toEqual([
      {
        name: 'vm1',
        network: 'red',
        portSecurity: true,
        attachment: { netns: '/run/netns/vm1', ifname: 'eth0' },
      },
    ]);
  });
});

describe('a router', () => {
  it('has a copy on exactly the nodes with a bound port on one of its networks', () => {
    const state = run(emptyState, apply(seedText), bind('vm1', 'cn1'));
    expect(viewOf(state, 'cn1').routers.map(({ id }) => id)).toEqual(['r1']);
    expect(viewOf(state, 'cn2').routers).toEqual([]);
    const router = state.intent.routers.get('r1');
    expect(router && nodesOfRouter(state.intent, router)).toEqual(['cn1']);
  });

  it('has a copy too where another router has it as a next hop, and so have those behind it', () => {
    const chained = `
underlay: { cidr: 172.16.0.0/24 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
networks:
  red: { subnets: [10.1.0.0/24] }
  middle: { subnets: [10.8.0.0/24] }
  last: { subnets: [10.9.0.0/24] }
  green: { subnets: [10.2.0.0/24] }
routers:
  r1: { networks: [red, middle], routes: [{ destination: 10.2.0.0/24, via: 10.8.0.2 }] }
  r2: { networks: [last], interfaces: [{ network: middle, ip: 10.8.0.2 }], routes: [{ destination: 10.2.0.0/24, via: 10.9.0.3 }] }
  r3: { networks: [green], interfaces: [{ network: last, ip: 10.9.0.3 }] }
ports:
  vm1: { network: red, node: cn1 }
  vm2: { network: green, node: cn2 }
`;
    const state = run(emptyState, apply(chained), bind('vm1', 'cn1'), bind('vm2', 'cn2'));
    expect(viewOf(state, 'cn1').routers.map(({ id }) => id)).toEqual(['r1', 'r2', 'r3']);
    expect(viewOf(state, 'cn2').routers.map(({ id }) => id)).toEqual(['r3']);
    const r2 = state.intent.routers.get('r2');
    expect(r2 && nodesOfRouter(state.intent, r2)).toEqual(['cn1']);
  });

  it('brings its other networks along, which then have the ports of other nodes', () => {
    const state = run(emptyState, apply(seedText), bind('vm1', 'cn1'), bind('vm2', 'cn2'));
    expect(
      viewOf(state, 'cn1')
        .networks.find(({ name }) => name === 'green')
        ?.ports.map(({ name }) => name),
    ).toEqual(['vm2']);
  });

  it("without a port in the node's networks is told by its MAC all the same, since frames may claim it", () => {
    const text = seedText.replace(
      'routers:',
      'routers:\n  r2: { interfaces: [{ network: red, ip: 10.1.0.254 }] }',
    );
    const red = viewOf(run(emptyState, apply(text), bind('vm1', 'cn1')), 'cn1').networks.find(
      ({ name }) => name === 'red',
    );
    expect(red?.routerInterfaces.map(({ routerId, addresses }) => [routerId, addresses])).toEqual([
      ['r1', ['10.1.0.1/24']],
      ['r2', ['10.1.0.254/24']],
    ]);
  });

  it('is told with the way it is to route', () => {
    const text = seedText.replace('r1: { networks', 'r1: { routing: namespace, networks');
    const view = viewOf(run(emptyState, apply(text), bind('vm1', 'cn1')), 'cn1');
    expect(view.routers.map(({ routing }) => routing)).toEqual(['namespace']);
  });

  it('that is not there leaves VMs without a gateway', () => {
    const text = seedText.replace('routers:\n  r1: { networks: [red, green] }\n', '');
    expect(
      viewOf(run(emptyState, apply(text), bind('vm1', 'cn1')), 'cn1').networks[0]?.subnets,
    ).toEqual([{ cidr: '10.1.0.0/24' }]);
  });
});

describe('a port', () => {
  it('that is not bound is in no view at all', () => {
    const state = run(seedState(), { command: 'detachPort', name: 'vm2' });
    for (const node of ['cn1', 'cn2', 'nn1']) expect(textOf(state, node)).not.toContain('vm2');
    for (const node of ['cn1', 'cn2', 'nn1'])
      expect(textOf(state, node)).not.toContain('10.2.0.12');
  });

  it("of a network that a node has nothing to do with leaves the node's view as it was", () => {
    const text = `${seedText.replace('networks:\n', 'networks:\n  blue: { vni: 103, subnets: [10.3.0.0/24] }\n')}  vm9: { network: blue }\n`;
    const before = run(emptyState, apply(text), bind('vm1', 'cn1'));
    const after = run(before, bind('vm9', 'cn2'));
    expect(textOf(after, 'cn1')).toBe(textOf(before, 'cn1'));
    expect(textOf(after, 'nn1')).toBe(textOf(before, 'nn1'));
    expect(textOf(after, 'cn2')).not.toBe(textOf(before, 'cn2'));
  });

  it('has its own MAC in pairs that name none', () => {
    const state = run(seedState(), {
      command: 'setAllowedPairs',
      name: 'vm1',
      pairs: [{ ip: '10.1.0.77' as never }],
    });
    const port = viewOf(state, 'cn2')
      .networks.find(({ name }) => name === 'red')
      ?.ports.find(({ name }) => name === 'vm1');
    expect(port?.allowedAddressPairs).toEqual([{ ip: '10.1.0.77', mac: port?.mac }]);
  });
});

it('a foreign VTEP gets the broadcasts of its networks and is a peer without a DVR MAC', () => {
  const text = `${seedText}interop_vteps: { leaf1: { vtep: 172.16.0.99, networks: [red] } }\n`;
  const view = viewOf(run(emptyState, apply(text), bind('vm1', 'cn1')), 'cn1');
  expect(view.networks.map(({ name, floodVteps }) => [name, floodVteps])).toEqual([
    ['green', []],
    ['red', ['172.16.0.99']],
  ]);
  expect(view.peers.at(-1)).toEqual({ name: 'leaf1', vtepIp: '172.16.0.99', interop: true });
});

it('a network has the MTU that the smallest underlay leaves, or its smaller wish', () => {
  const text = seedText
    .replace('cn2: { vtep: 172.16.0.12 }', 'cn2: { vtep: 172.16.0.12, mtu: 1500 }')
    .replace('vni: 102,', 'vni: 102, mtu: 1400,');
  const { intent } = run(emptyState, apply(text));
  expect([...intent.networks.values()].map((network) => networkMtu(intent, network))).toEqual([
    1450, 1400,
  ]);
});

describe('for ports bound in any way', () => {
  const placement = fc.array(
    fc.record({
      network: fc.constantFrom('red', 'green', 'blue'),
      node: fc.constantFrom('cn1', 'cn2', 'nn1', undefined),
    }),
    { maxLength: 8 },
  );
  const stateOf = (
    placed: readonly { network: string; node: string | undefined }[],
  ): ControllerState => {
    const text = seedText
      .replace('networks:\n', 'networks:\n  blue: { vni: 103, subnets: [10.3.0.0/24] }\n')
      .replaceAll(/^ {2}vm.*\n/gm, '');
    const base = run(emptyState, apply(text));
    return placed.reduce((state, { network, node }, at) => {
      const created = run(state, {
        command: 'createPort',
        madeBy: 'topology',
        port: {
          name: named(`p${at}`),
          network: named(network),
          ips: [],
          allowedAddressPairs: [],
          portSecurity: true,
        },
      });
      return node === undefined ? created : run(created, bind(`p${at}`, node));
    }, base);
  };

  it('a node is told of a network exactly when it has a port there or in one joined to it by a router', () => {
    fc.assert(
      fc.property(placement, (placed) => {
        const state = stateOf(placed);
        for (const node of ['cn1', 'cn2', 'nn1']) {
          const own = new Set(
            placed.filter((port) => port.node === node).map((port) => port.network),
          );
          const routed = own.has('red') || own.has('green');
          const expected = [
            ...(own.has('blue') ? ['blue'] : []),
            ...(routed ? ['green', 'red'] : []),
          ];
          expect(viewOf(state, node).networks.map(({ name }) => name)).toEqual(expected);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('flood lists name each other node with a port of the network, and never the node itself', () => {
    fc.assert(
      fc.property(placement, (placed) => {
        const state = stateOf(placed);
        for (const [node, view] of viewsOf(state.intent).content) {
          for (const network of view.networks) {
            const others = new Set<string | undefined>(
              placed
                .filter(
                  (port) =>
                    port.network === network.name && port.node !== undefined && port.node !== node,
                )
                .map((port) => port.node),
            );
            const vteps = [...state.intent.nodes.values()]
              .filter(({ name }) => others.has(name as string))
              .map(({ vtepIp }) => vtepIp as string);
            expect([...network.floodVteps].sort()).toEqual(vteps.sort());
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it('the generation counts exactly the changes that some node must be told of', () => {
    fc.assert(
      fc.property(placement, (placed) => {
        const state = stateOf(placed);
        const bound = placed.filter(({ node }) => node !== undefined).length;
        expect(state.intent.generation).toBe(1 + bound);
      }),
      { numRuns: 25 },
    );
  });
});
