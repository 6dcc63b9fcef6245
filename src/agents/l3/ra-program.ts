/**
 * What this node's copies of routers advertise (RFC 4861): the rows of table `ra_responder`, and the clock
 * ticks that make ra_responder say it unasked.
 *
 * A network has one advertiser, the router that is the gateway of its first advertised subnet; what it says
 * has the prefixes of all of them. So a host has one default router, as it has where attach configures it.
 */
import type { Row } from '../../dataplane/rows.js';
import {
  networkAddress, parseCidr, prefixBitsOf, withoutPrefix, type InterfaceAddress,
} from '../../model/addresses.js';
import { routerPortName } from '../../model/device-names.js';
import type { NetworkView, NodeView, RouterInterfaceView, SubnetView } from '../../model/node-view.js';
import { linkLocalOf } from '../../model/slaac.js';
import { icmpv6Packet, ipBytes, macBytes } from '../../model/wire-bytes.js';
import type { LocalIds } from '../local-ids.js';

/**
 * How often routers speak unasked: as RFC 4861 section 6.2.1 has it at the most often by default, and nine
 * times within the lifetime that they advertise (native/packet/router_advertisement.hpp).
 */
export const kAdvertiseMs = 200_000;

export function raProgram(view: NodeView, ids: LocalIds): Row[] {
  return view.networks.flatMap((network): Row[] => {
    const localVlan = ids.localVlans[network.name];
    const router = advertiserOf(network, view);
    if (router === undefined || localVlan === undefined) return [];
    return advertisedOf(network).map(({ cidr, ipv6 }, index): Row => {
      const parsed = parseCidr(cidr);
      if (parsed.kind !== 'cidr') throw new Error(`subnet ${cidr} of network ${network.name} is no prefix`);
      return {
        table: 'ra_responder',
        key: { local_vlan: localVlan, index },
        value: {
          gateway_mac: router.mac,
          prefix: networkAddress(parsed.cidr), prefix_bits: prefixBitsOf(parsed.cidr),
          autonomous: ipv6 === 'slaac', managed: ipv6 === 'stateful',
        },
      };
    });
  });
}

/** A frame to be injected at a router's port: the router asks itself to speak. */
export interface RaTick { readonly device: string; readonly portId: number; readonly frame: Buffer }

export function raTicks(view: NodeView, ids: LocalIds): RaTick[] {
  return view.networks.flatMap((network): RaTick[] => {
    const router = advertiserOf(network, view);
    if (router === undefined) return [];
    const device = routerPortName(router.routerId, network.name);
    const portId = ids.ports[device];
    return portId === undefined ? [] : [{ device, portId, frame: solicitationOf(router.mac) }];
  });
}

const advertisedOf = ({ subnets }: NetworkView): SubnetView[] =>
  subnets.filter(({ ipv6 }) => ipv6 !== undefined);

/** Only a router with a copy here: nobody else is to speak on this node. */
function advertiserOf(network: NetworkView, { routers }: NodeView): RouterInterfaceView | undefined {
  const gateways = advertisedOf(network).flatMap(({ gatewayIp }) => gatewayIp ?? []);
  const here = network.routerInterfaces.filter(({ routerId }) => routers.some(({ id }) => id === routerId));
  for (const gateway of gateways) {
    const found = here.find(({ addresses }) =>
      addresses.some((address) => withoutPrefix(address as InterfaceAddress) === gateway));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A router solicitation from the router (RFC 4861 section 4.1). */
function solicitationOf(mac: string): Buffer {
  const source = bytesOf(macBytes(mac), mac);
  const [from, to] = [linkLocalOf(mac), kAllRouters].map((ip) => bytesOf(ipBytes(ip), ip)) as [Buffer, Buffer];
  const message = Buffer.from([kRouterSolicitation, 0, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([kAllRoutersMac, source, kEtherTypeIpv6, icmpv6Packet(from, to, kHopLimit, message)]);
}

const kRouterSolicitation = 133;
/** RFC 4861 section 6.1.1: anything else is ignored. */
const kHopLimit = 255;
const kAllRouters = 'ff02::2';
const kAllRoutersMac = Buffer.from([0x33, 0x33, 0, 0, 0, 2]);
const kEtherTypeIpv6 = Buffer.from([0x86, 0xdd]);

function bytesOf(bytes: Buffer | undefined, text: string): Buffer {
  if (bytes === undefined) throw new Error(`${text} is not an address`);
  return bytes;
}
