/** Which outside addresses are this cloud's: gateway addresses, floating IPs, and the nodes' own. Pure, from the views. */
import { isInCidr } from '../model/addresses.js';
import { fipDeviceName, gatewayDeviceName } from '../model/device-names.js';
import type { FloatingIpView, NodeView, RouterView } from '../model/node-view.js';

export interface OutsideAddress {
  /** As people call it: "floating IP of vm1". */
  readonly what: string;
  readonly network: string;
  /** Where it is answered for, and by which device: "fg-ext of cn1". */
  readonly node: string;
  readonly device: string;
  readonly mac: string;
  /** The port that has it as its floating IP. */
  readonly port?: string;
}

export function outsideAddresses(views: readonly NodeView[]): ReadonlyMap<string, OutsideAddress> {
  return new Map(views.flatMap((view) => [
    ...fgAddresses(view),
    ...view.routers.flatMap((router) => [
      ...gatewayAddresses(view, router),
      ...(router.floatingIps ?? []).flatMap((floatingIp) => floatingAddress(view, router, floatingIp)),
    ]),
  ]));
}

/** Where packets for a port's own address come in from outside; undefined where the router translates, or is not asked. */
export function entranceOf(views: readonly NodeView[], ip: string): OutsideAddress | undefined {
  const isIpv6 = ip.includes(':');
  return views.flatMap((view) => view.routers.flatMap((router): OutsideAddress[] => {
    const { snat = true, snatPorts = [] } = router.gateway ?? {};
    if (snat && !isIpv6) return [];
    const near = snatPorts.filter(({ addresses }) => addresses.some((address) => isInCidr(ip, address)));
    const port = view.networks.filter(({ name }) => near.some(({ network }) => network === name))
      .flatMap(({ ports }) => ports).find(({ ips }) => ips.includes(ip));
    const own = gatewayAddresses(view, router).find(([address]) => address.includes(':') === isIpv6);
    return port === undefined || own === undefined ? [] : [{ ...own[1], port: port.name }];
  })).at(0);
}

type Entry = [string, OutsideAddress];

function fgAddresses({ node: { name: node }, externalNetworks = [] }: NodeView): Entry[] {
  return externalNetworks.flatMap(({ name: network, fg }) => {
    if (fg === undefined) return [];
    const device = `${fipDeviceName(network)} of ${node}`;
    return fg.addresses.map((address): Entry => [plain(address), { what: device, network, node, device, mac: fg.mac }]);
  });
}

function gatewayAddresses({ node: { name: node } }: NodeView, { id, gateway }: RouterView): Entry[] {
  if (gateway?.node !== node) return [];
  const { network, mac, addresses, portForwardings = [] } = gateway;
  const at = { network, node, device: `${gatewayDeviceName(network)} of ${id}`, mac };
  return [
    ...portForwardings.map(({ externalIp }): Entry => [externalIp, { ...at, what: `floating IP that ${id} forwards from` }]),
    ...addresses.map((address): Entry => [plain(address), { ...at, what: `gateway address of ${id}` }]),
  ];
}

function floatingAddress(
  { node: { name: node }, externalNetworks = [] }: NodeView, { id, gateway }: RouterView,
  { ip, network, port, placement }: FloatingIpView,
): Entry[] {
  const isCentral = placement === 'central';
  const mac = isCentral ? gateway?.mac : externalNetworks.find(({ name }) => name === network)?.fg?.mac;
  if (mac === undefined) return [];
  const device = isCentral ? `${gatewayDeviceName(network)} of ${id}` : `${fipDeviceName(network)} of ${node}`;
  return [[ip, { what: `floating IP of ${port}`, network, node, device, mac, port }]];
}

const plain = (address: string): string => address.split('/')[0] ?? '';
