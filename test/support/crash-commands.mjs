// What a controller that is to be killed does, one command for each revision of its state: so whoever finds a
// revision knows what must be there. Each command changes something, whatever came before.

/** More entries than etcd takes in one transaction. */
const kManyPorts = 150;

function topologyText(n) {
  const ports = Array.from({ length: kManyPorts + (n % 3) }, (_, at) =>
    `  vm${at}: { network: ${at % 2 === 0 ? 'red' : 'green'}, node: cn${(at + n) % 2 + 1} }`);
  return [
    'underlay: { cidr: 172.16.0.0/24, mtu: 1600 }',
    'nodes:',
    '  cn1: { vtep: 172.16.0.11, provider: { physnet1: ex0 } }',
    '  cn2: { vtep: 172.16.0.12, provider: { physnet1: ex0 }, network_node: true }',
    'networks: { red: { subnets: [10.1.0.0/23] }, green: { subnets: [10.2.0.0/23] } }',
    'external_networks: { ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24 }] } }',
    `routers: { r${n % 2}: { networks: [red, green], gateway: ext } }`,
    'ports:',
    ...ports,
    `floating_ips: { 203.0.113.${100 + (n % 5)}: { port: vm0 } }`,
  ].join('\n');
}

/** The command that follows on a state of that revision. `parseTopology` is the product's. */
export function commandAt(revision, parseTopology) {
  const round = Math.floor(revision / 6);
  const attachment = { netns: '/run/netns/c1', ifname: 'eth0' };
  switch (revision % 6) {
    case 0: return { command: 'applyTopology', topology: parseTopology(topologyText(round)) };
    case 1: return { command: 'bindPort', name: 'vm0', node: 'cn1' };
    case 2: return { command: 'attachPort', name: 'c1', network: 'red', node: 'cn2', attachment };
    case 3: return { command: 'updatePort', name: 'vm1', changes: { ips: [`10.2.1.${200 + (round % 5)}`] } };
    case 4: return { command: 'detachPort', name: 'c1' };
    default: return { command: 'deletePort', name: 'vm0' };
  }
}
