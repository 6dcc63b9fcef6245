/** Each fault of a topology file is told with the line and path it stands at, and all of them at once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import { parseTopology, readTopologyFile } from '../../../src/model/topology.js';

const head = [
  'underlay: { cidr: 172.16.0.0/24, mtu: 1600 }',
  'nodes: { cn1: { vtep: 172.16.0.11 } }',
];
const file = (...lines: string[]): string => [...head, ...lines].join('\n');

function faultsOf(text: string): string[] {
  try {
    parseTopology(text);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(DvrError);
    expect((error as DvrError).code).toBe('DVR_TOPOLOGY_INVALID');
    return (error as DvrError).message.split('\n');
  }
}

describe('a good topology', () => {
  const topology = parseTopology(
    file(
      'wire: super',
      'interop_vteps: { leaf1: { vtep: 172.16.0.99, networks: [red] } }',
      'networks:',
      '  red: { vni: 101, mtu: 1400, subnets: [10.1.0.0/24, "2001:db8:1::/64"] }',
      '  green: { subnets: [10.2.0.0/24] }',
      'routers:',
      '  r1: { networks: [red], interfaces: [{ network: green, ip: 10.2.0.254 }], routes: [{ destination: 0.0.0.0/0, via: 10.2.0.9 }] }',
      'ports:',
      '  vm1: { network: red, node: cn1, ips: [10.1.0.11, "2001:DB8:1:0::b"], mac: FA-16-3E-AA-00-01,',
      '         allowed_address_pairs: [{ ip: 10.1.0.100 }, { ip: 10.9.0.0/16, mac: "fa:16:3e:aa:00:02" }] }',
      '  vm2: { network: green, port_security: false }',
    ),
  );

  it('comes out parsed, with addresses in their one form', () => {
    expect(topology.wire).toBe('super');
    expect(topology.nodes).toEqual([
      { name: 'cn1', vtepIp: '172.16.0.11', underlayMtuBytes: 1600, providers: [], networkNode: false },
    ]);
    expect(topology.interopVteps).toEqual([
      { name: 'leaf1', vtepIp: '172.16.0.99', networks: ['red'] },
    ]);
    expect(topology.ports).toEqual([
      {
        name: 'vm1',
        network: 'red',
        node: 'cn1',
        ips: ['10.1.0.11', '2001:db8:1::b'],
        mac: 'fa:16:3e:aa:00:01',
        portSecurity: true,
        allowedAddressPairs: [
          { ip: '10.1.0.100' },
          { ip: '10.9.0.0/16', mac: 'fa:16:3e:aa:00:02' },
        ],
      },
      { name: 'vm2', network: 'green', ips: [], portSecurity: false, allowedAddressPairs: [] },
    ]);
  });

  it('has its gateway at the first address of a subnet, or where a router says', () => {
    expect(
      topology.networks.map(({ subnets }) => subnets.map(({ gatewayIp }) => gatewayIp)),
    ).toEqual([['10.1.0.1', '2001:db8:1::1'], ['10.2.0.254']]);
    expect(topology.routers[0]?.interfaces).toEqual([
      { network: 'red', addresses: ['10.1.0.1/24', '2001:db8:1::1/64'] },
      { network: 'green', addresses: ['10.2.0.254/24'] },
    ]);
  });

  it('routes every router by itself unless it says which way', () => {
    const text = (routing: string): string =>
      file('networks: { red: { subnets: [10.1.0.0/24] } }', `routers: { r1: { networks: [red]${routing} } }`);
    expect(parseTopology(text('')).routers[0]?.routing).toBe('auto');
    expect(parseTopology(text(', routing: namespace')).routers[0]?.routing).toBe('namespace');
    expect(parseTopology(text(', routing: fast')).routers[0]?.routing).toBe('fast');
  });

  it('may leave sections out or empty', () => {
    expect(parseTopology(file('networks:', 'ports:')).networks).toEqual([]);
  });

  it('may be JSON', () => {
    expect(
      parseTopology('{"underlay":{"cidr":"172.16.0.0/24"},"nodes":{"cn1":{"vtep":"172.16.0.11"}}}')
        .nodes,
    ).toHaveLength(1);
  });

  it('may use names that YAML takes for numbers or words of its own', () => {
    const odd = parseTopology(
      file('networks: { 007: { subnets: [10.1.0.0/24] } }', 'ports: { true: { network: 007 } }'),
    );
    expect(odd.ports[0]).toMatchObject({ name: 'true', network: '007' });
  });
});

describe('a fault is told by line and path', () => {
  const red = 'networks: { red: { vni: 101, subnets: [10.1.0.0/24] } }';
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'host bits in a subnet',
      file('networks:', '  red:', '    subnets:', '      - 10.1.0.1/24'),
      [
        'topology.yaml:6: networks.red.subnets[0]: "10.1.0.1/24" has host bits set; write 10.1.0.0/24',
      ],
    ],
    [
      'an unknown key with a near one',
      file('network: {}'),
      ['topology.yaml:3: network: unknown key; did you mean "networks"?'],
    ],
    [
      'an unknown key with none near',
      file('x-very-strange: 1'),
      [
        'topology.yaml:3: x-very-strange: unknown key; known are wire, underlay, nodes, interop_vteps, networks, external_networks, outside, routers, ports, floating_ips',
      ],
    ],
    [
      'a missing key',
      'underlay: { cidr: 172.16.0.0/24 }\nnodes:\n  cn1: {}',
      ['topology.yaml:3: nodes.cn1: "vtep" is missing'],
    ],
    [
      'missing sections',
      'wire: segments',
      ['topology.yaml:1: "underlay" is missing', 'topology.yaml:1: "nodes" is missing'],
    ],
    [
      'no nodes',
      'underlay: { cidr: 172.16.0.0/24 }\nnodes: {}',
      ['topology.yaml:2: nodes: names no node; a deployment has at least one'],
    ],
    [
      'a wrong type',
      file('networks:', '  red: { vni: "101", subnets: 10.1.0.0/24 }'),
      [
        'topology.yaml:4: networks.red.vni: must be a whole number, not "101"',
        'topology.yaml:4: networks.red.subnets: must be a list, not "10.1.0.0/24"',
      ],
    ],
    [
      'a VNI out of bounds',
      file('networks: { red: { vni: 16777216, subnets: [] } }'),
      ['topology.yaml:3: networks.red.vni: 16777216 is not within 1 to 16777215'],
    ],
    [
      'a VNI twice',
      file('networks:', '  red: { vni: 7, subnets: [] }', '  green: { vni: 7, subnets: [] }'),
      ['topology.yaml:5: networks.green.vni: VNI 7 is taken by networks.red.vni'],
    ],
    [
      'a VTEP twice',
      'underlay: { cidr: 172.16.0.0/24 }\nnodes:\n  cn1: { vtep: 172.16.0.11 }\n  cn2: { vtep: 172.16.0.11 }',
      ['topology.yaml:4: nodes.cn2.vtep: the VTEP address 172.16.0.11 is taken by nodes.cn1.vtep'],
    ],
    [
      "a foreign VTEP with a node's address",
      file(red, 'interop_vteps: { leaf1: { vtep: 172.16.0.11, networks: [red] } }'),
      [
        'topology.yaml:4: interop_vteps.leaf1.vtep: the VTEP address 172.16.0.11 is taken by nodes.cn1.vtep',
      ],
    ],
    [
      'a VTEP outside the underlay, which one of another family is',
      'underlay: { cidr: 172.16.0.0/24 }\nnodes:\n  cn1: { vtep: "2001:db8::1" }',
      ['topology.yaml:3: nodes.cn1.vtep: 2001:db8::1 is outside the underlay 172.16.0.0/24'],
    ],
    [
      'a MAC twice',
      file(
        red,
        'ports:',
        '  a: { network: red, mac: "fa:16:3e:00:00:01" }',
        '  b: { network: red, mac: "FA:16:3E:00:00:01" }',
      ),
      ['topology.yaml:6: ports.b.mac: the MAC fa:16:3e:00:00:01 is taken by ports.a.mac'],
    ],
    [
      'a MAC of the range of DVR MACs',
      file(red, 'ports: { a: { network: red, mac: "fa:16:3f:00:00:01" } }'),
      [
        'topology.yaml:4: ports.a.mac: fa:16:3f:00:00:01 is in fa:16:3f, which is kept for DVR MACs',
      ],
    ],
    [
      'an IP twice in a network',
      file(
        red,
        'ports:',
        '  a: { network: red, ip: 10.1.0.5 }',
        '  b: { network: red, ip: 10.1.0.5 }',
      ),
      ['topology.yaml:6: ports.b.ip: 10.1.0.5 in network red is taken by ports.a.ip'],
    ],
    [
      'an unknown network and node',
      file(red, 'ports: { a: { network: blue, node: cn9 } }'),
      [
        'topology.yaml:4: ports.a.network: there is no network "blue"',
        'topology.yaml:4: ports.a.node: there is no node "cn9"',
      ],
    ],
    [
      'an IP outside the subnet',
      file(red, 'ports: { a: { network: red, ip: 10.2.0.5 } }'),
      ['topology.yaml:4: ports.a.ip: 10.2.0.5 is outside 10.1.0.0/24 of network red'],
    ],
    [
      "the gateway's IP",
      file(red, 'ports: { a: { network: red, ip: 10.1.0.1 } }'),
      ['topology.yaml:4: ports.a.ip: 10.1.0.1 is the gateway of 10.1.0.0/24'],
    ],
    [
      'the network address',
      file(red, 'ports: { a: { network: red, ip: 10.1.0.0 } }'),
      ['topology.yaml:4: ports.a.ip: 10.1.0.0 is the network address of 10.1.0.0/24'],
    ],
    [
      'the broadcast address',
      file(red, 'ports: { a: { network: red, ip: 10.1.0.255 } }'),
      ['topology.yaml:4: ports.a.ip: 10.1.0.255 is the broadcast address of 10.1.0.0/24'],
    ],
    [
      "a router's IP lent to a port",
      file(
        red,
        'routers: { r1: { networks: [red] } }',
        'ports: { a: { network: red, allowed_address_pairs: [{ ip: 10.1.0.1 }] } }',
      ),
      ["topology.yaml:5: ports.a.allowed_address_pairs[0].ip: 10.1.0.1 is router r1's address"],
    ],
    [
      'overlapping subnets in one router',
      file(
        'networks:',
        '  red: { subnets: [10.1.0.0/16] }',
        '  green: { subnets: [10.1.2.0/24] }',
        'routers: { r1: { networks: [red, green] } }',
      ),
      [
        'topology.yaml:6: routers.r1.networks[1]: 10.1.2.0/24 of network green overlaps 10.1.0.0/16 of network red in one router',
      ],
    ],
    [
      'two routers with one address',
      file(red, 'routers:', '  r1: { networks: [red] }', '  r2: { networks: [red] }'),
      [
        'topology.yaml:6: routers.r2.networks[0]: 10.1.0.1 in network red is taken by routers.r1.networks[0]',
      ],
    ],
    [
      'a next hop the router cannot reach',
      file(
        red,
        'routers: { r1: { networks: [red], routes: [{ destination: 0.0.0.0/0, via: 10.9.0.1 }] } }',
      ),
      ["topology.yaml:4: routers.r1.routes[0].via: 10.9.0.1 is in none of the router's subnets"],
    ],
    [
      'a way to route that there is not',
      file(red, 'routers: { r1: { networks: [red], routing: quick } }'),
      [
        'topology.yaml:4: routers.r1.routing: "quick" is no way to route; there are auto, namespace, fast',
      ],
    ],
    [
      'a name that is none',
      file('networks: { Red_Net: { subnets: [] } }'),
      [
        'topology.yaml:3: networks.Red_Net: "Red_Net" is no name; a name is 1 to 36 of a-z, 0-9 and "-", and begins with a letter or digit',
      ],
    ],
    [
      'an MTU larger than the underlay leaves, naming both',
      file('networks: { red: { mtu: 1551, subnets: [] } }'),
      [
        "topology.yaml:3: networks.red.mtu: 1551 is more than 1550, which is all that node cn1's underlay MTU 1600 leaves after VXLAN's 50",
      ],
    ],
    [
      'an MTU too small for IPv6',
      file('networks: { red: { mtu: 1279, subnets: ["2001:db8::/64"] } }'),
      [
        'topology.yaml:3: networks.red.mtu: an MTU of 1279 is too small for the IPv6 subnet 2001:db8::/64, which needs 1280 (RFC 8200)',
      ],
    ],
    [
      'a key twice',
      file('networks:', '  red: { subnets: [] }', '  red: { subnets: [] }'),
      ['topology.yaml:5: networks.red: is there twice, first on line 4'],
    ],
    [
      'a node name that is none, once and with nothing that follows from it',
      'underlay: { cidr: 172.16.0.0/24 }\nnodes: { Bad_Name: { vtep: 172.16.0.11 } }',
      [
        'topology.yaml:2: nodes.Bad_Name: "Bad_Name" is no name; a name is 1 to 36 of a-z, 0-9 and "-", and begins with a letter or digit',
      ],
    ],
    [
      'nodes without any',
      'underlay: { cidr: 172.16.0.0/24 }\nnodes:',
      ['topology.yaml:2: nodes: names no node; a deployment has at least one'],
    ],
    [
      'an underlay MTU out of bounds, and none that nobody wrote for the networks',
      'underlay: { cidr: 172.16.0.0/24, mtu: 9000000 }\nnodes: { cn1: { vtep: 172.16.0.11 } }\nnetworks: { red: { mtu: 1500, subnets: ["2001:db8::/64"] } }',
      ['topology.yaml:1: underlay.mtu: 9000000 is not within 626 to 65535'],
    ],
    [
      "a node's MTU out of bounds, and none that nobody wrote for the networks",
      'underlay: { cidr: 172.16.0.0/24 }\nnodes: { cn1: { vtep: 172.16.0.11, mtu: 10 } }\nnetworks: { red: { mtu: 1500, subnets: [] } }',
      ['topology.yaml:2: nodes.cn1.mtu: 10 is not within 626 to 65535'],
    ],
    [
      'a wrong VTEP, and no missing node for its ports',
      'underlay: { cidr: 172.16.0.0/24 }\nnodes: { cn1: { vtep: 10.9.9.9 } }\nnetworks: { red: { subnets: [10.1.0.0/24] } }\nports: { vm1: { network: red, node: cn1 } }',
      ['topology.yaml:2: nodes.cn1.vtep: 10.9.9.9 is outside the underlay 172.16.0.0/24'],
    ],
    ['a file that is no mapping', 'hello', ['topology.yaml:1: must be a mapping, not "hello"']],
  ];

  it.each(cases)('%s', (_what, text, expected) => {
    expect(faultsOf(text)).toEqual(expected);
  });

  it('text that is not YAML, and nothing else is told then', () => {
    const faults = faultsOf(file('networks: { red: [', 'wire: 7'));
    expect(faults.every((fault) => /^topology\.yaml:[34]: not YAML: /.test(fault))).toBe(true);
    expect(faults).not.toHaveLength(0);
  });

  it('and IPv6 VTEPs leave 70 bytes less than the underlay', () => {
    const text =
      'underlay: { cidr: "2001:db8::/64", mtu: 1600 }\nnodes: { cn1: { vtep: "2001:db8::11", mtu: 1500 } }\nnetworks: { red: { mtu: 1431, subnets: [] } }';
    expect(faultsOf(text)).toEqual([
      "topology.yaml:3: networks.red.mtu: 1431 is more than 1430, which is all that node cn1's underlay MTU 1500 leaves after VXLAN's 70",
    ]);
  });
});

describe('a hostile file', () => {
  it('cannot multiply values by aliases', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x]',
      ...'bcdefghij'
        .split('')
        .map((to, at) => `${to}: &${to} [${Array(8).fill(`*${'abcdefghij'[at]}`).join(', ')}]`),
      'nodes: *j',
    ].join('\n');
    const startMs = performance.now();
    expect(faultsOf(`${bomb}\nunderlay: { cidr: 172.16.0.0/24 }`)).toContain(
      'topology.yaml:11: nodes: aliases are not taken; write the value out',
    );
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  it('is not read where it is larger than a mebibyte', () => {
    expect(faultsOf(`#${' '.repeat(1 << 20)}`)).toEqual([
      'topology.yaml:1: the file has 1048577 bytes; at most 1048576 are read',
    ]);
  });

  it('cannot exhaust the stack by depth', () => {
    expect(faultsOf('['.repeat(5_000)).length).toBeGreaterThan(0);
    expect(faultsOf(`nodes: ${'['.repeat(5_000)}${']'.repeat(5_000)}`).length).toBeGreaterThan(0);
  });

  it('with very many keys is refused as a whole, not key by key', () => {
    const keys = Array.from({ length: 5_000 }, (_, at) => `k${at}: 1`).join('\n');
    expect(faultsOf(keys)).toEqual(['topology.yaml:1: 5000 entries; at most 60 are taken']);
  });

  it('is told its first fifty faults and how many more there are', () => {
    const ports = Array.from({ length: 60 }, (_, at) => `  p${at}: { network: blue }`);
    const faults = faultsOf(file('ports:', ...ports));
    expect([faults.length, faults.at(-1)]).toEqual([51, 'and 10 more']);
  });

  it('cannot reach what every object has', () => {
    const topology = parseTopology(
      file(
        'networks: { constructor: { subnets: [10.1.0.0/24] } }',
        'ports: { tostring: { network: constructor } }',
      ),
    );
    expect(topology.ports[0]?.network).toBe('constructor');
    expect(faultsOf(file('ports: { a: { network: constructor } }'))).toEqual([
      'topology.yaml:3: ports.a.network: there is no network "constructor"',
    ]);
  });
});

describe('a topology file', () => {
  it('is called by its own name in faults', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dvr-topology-'));
    try {
      writeFileSync(join(folder, 'cloud.yaml'), 'wire: no\n');
      expect(() => readTopologyFile(join(folder, 'cloud.yaml'))).toThrow(
        'cloud.yaml:1: wire: "no" is neither "segments" nor "super"',
      );
      expect(() => readTopologyFile(join(folder, 'absent.yaml'))).toThrow(
        /cannot read the topology .*absent\.yaml/,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
