/**
 * The seed's picture as the controller would tell it: red and green, router r1 on both, vm1 and vm4 on
 * cn1, vm2 and vm3 on cn2. Tests change what they are about and leave the rest.
 */
import type { LocalIds } from '../../../src/agents/local-ids.js';
import type { NetworkView, NodeView, PortView } from '../../../src/model/node-view.js';

export const mac = {
  redGateway: 'fa:16:3e:00:00:01', greenGateway: 'fa:16:3e:00:00:02',
  vm1: 'fa:16:3e:00:01:01', vm2: 'fa:16:3e:00:01:02', vm3: 'fa:16:3e:00:01:03', vm4: 'fa:16:3e:00:01:04',
  cn1: 'fa:16:3f:00:00:01', cn2: 'fa:16:3f:00:00:02',
} as const;

export const port = (name: 'vm1' | 'vm2' | 'vm3' | 'vm4', node: string, ip: string, more: Partial<PortView> = {}): PortView =>
  ({ name, mac: mac[name], ips: [ip], node, allowedAddressPairs: [], ...more });

export const red: NetworkView = {
  name: 'red', vni: 101, mtuBytes: 1500,
  subnets: [{ cidr: '10.1.0.0/24', gatewayIp: '10.1.0.1' }],
  ports: [port('vm1', 'cn1', '10.1.0.11'), port('vm3', 'cn2', '10.1.0.13')],
  routerInterfaces: [{ routerId: 'r1', mac: mac.redGateway, addresses: ['10.1.0.1/24'] }],
  floodVteps: ['172.16.0.12'],
};

export const green: NetworkView = {
  name: 'green', vni: 102, mtuBytes: 1500,
  subnets: [{ cidr: '10.2.0.0/24', gatewayIp: '10.2.0.1' }],
  ports: [port('vm2', 'cn2', '10.2.0.12'), port('vm4', 'cn1', '10.2.0.14')],
  routerInterfaces: [{ routerId: 'r1', mac: mac.greenGateway, addresses: ['10.2.0.1/24'] }],
  floodVteps: ['172.16.0.12'],
};

/** What cn1 is told. */
export const cn1: NodeView = {
  generation: 7,
  node: { name: 'cn1', vtepIp: '172.16.0.11', dvrMac: mac.cn1 },
  peers: [{ name: 'cn2', vtepIp: '172.16.0.12', dvrMac: mac.cn2, interop: false }],
  networks: [red, green],
  routers: [{
    id: 'r1',
    interfaces: [
      { network: 'red', mac: mac.redGateway, addresses: ['10.1.0.1/24'] },
      { network: 'green', mac: mac.greenGateway, addresses: ['10.2.0.1/24'] },
    ],
    routes: [], routing: 'auto',
  }],
  localPorts: [
    { name: 'vm1', network: 'red', portSecurity: true, attachment: { netns: '/run/netns/vm1', ifname: 'eth0' } },
    { name: 'vm4', network: 'green', portSecurity: true, attachment: { netns: '/run/netns/vm4', ifname: 'eth0' } },
  ],
};

/** cn1's numbers for it: vm1 16, vm4 17, r1 on red 18, r1 on green 19; red is local VLAN 1, green 2. */
export const ids: LocalIds = {
  ports: { 'vm/vm1': 16, 'vm/vm4': 17, 'qr/r1/red': 18, 'qr/r1/green': 19 },
  localVlans: { red: 1, green: 2 },
  routers: { r1: 1 },
};

/** The view with one network changed. */
export const withNetwork = (view: NodeView, network: NetworkView): NodeView =>
  ({ ...view, networks: view.networks.map((one) => (one.name === network.name ? network : one)) });
