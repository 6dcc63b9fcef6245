/**
 * The picture with a way out: r1 has a gateway in `ext` by physnet1, its SNAT namespace is on nn1, and vm1 has the
 * floating IP 203.0.113.101 on cn1, its own node. Tests change what they are about and leave the rest.
 */
import type { ExternalNetworkView, FloatingIpView, GatewayView, NodeView, RouterView } from '../../../src/model/node-view.js';
import { cn1, green, mac, red } from './picture.js';

export const outsideMac = {
  sgRed: 'fa:16:3e:00:02:01', sgGreen: 'fa:16:3e:00:02:02', qg: 'fa:16:3e:00:02:03', fg: 'fa:16:3e:00:02:04',
} as const;

export const ext: ExternalNetworkView = {
  name: 'ext', mtuBytes: 1500, subnets: [{ cidr: '203.0.113.0/24', gatewayIp: '203.0.113.1' }],
  uplink: { physicalNetwork: 'physnet1', device: 'eth1' },
};

export const gateway: GatewayView = {
  network: 'ext', snat: true, snatPath: 'router', node: 'nn1', mac: outsideMac.qg, addresses: ['203.0.113.20/24'],
  snatPorts: [
    { network: 'red', mac: outsideMac.sgRed, addresses: ['10.1.0.5/24'] },
    { network: 'green', mac: outsideMac.sgGreen, addresses: ['10.2.0.5/24'] },
  ],
};

export const fip: FloatingIpView =
  { ip: '203.0.113.101', network: 'ext', fixedIp: '10.1.0.11', port: 'vm1', placement: 'distributed' };

const sgPort = (network: string, mac: string, ip: string) =>
  ({ name: `sg/r1/${network}`, mac, ips: [ip], node: 'nn1', allowedAddressPairs: [] });
const networks = [
  { ...red, ports: [...red.ports, sgPort('red', outsideMac.sgRed, '10.1.0.5')] },
  { ...green, ports: [...green.ports, sgPort('green', outsideMac.sgGreen, '10.2.0.5')] },
];

/** The view with r1 changed. */
export const withRouter = (view: NodeView, change: Partial<RouterView>): NodeView =>
  ({ ...view, routers: view.routers.map((router) => ({ ...router, ...change })) });

/** What cn1 is told: the floating IP is its own, the source NAT is not. */
export const cn1Outside: NodeView = {
  ...withRouter(cn1, { gateway, floatingIps: [fip] }), networks,
  externalNetworks: [{ ...ext, fg: { mac: outsideMac.fg, addresses: ['203.0.113.31/24'] } }],
};

/** What nn1 is told: no VMs, but r1's SNAT namespace. */
export const nn1: NodeView = {
  ...withRouter(cn1, { gateway }), networks, externalNetworks: [ext],
  node: { name: 'nn1', vtepIp: '172.16.0.21', dvrMac: 'fa:16:3f:00:00:03' },
  peers: [
    { name: 'cn1', vtepIp: '172.16.0.11', dvrMac: mac.cn1, interop: false },
    { name: 'cn2', vtepIp: '172.16.0.12', dvrMac: mac.cn2, interop: false },
  ],
  localPorts: [],
};
