/**
 * The cloud that is simulated: networks of equal size, four to a router, every router with a way out, and each network's
 * ports on ten nodes. So a node knows the networks of a dozen routers, and a port more is news for some forty nodes.
 */
export interface Size { readonly agents: number; readonly ports: number; readonly networks: number }

const kNetworksPerRouter = 4;
const kNodesPerNetwork = 10;
/** Nodes with an uplink that do routers' source NAT. */
const kNetworkNodes = 3;

export const nodeName = (at: number): string => `cn${at + 1}`;
export const networkName = (at: number): string => `net${at + 1}`;
export const vtepOf = (at: number): string => `172.16.${Math.floor(at / 200) + 1}.${(at % 200) + 1}`;

/** The node of the nth port of a network. */
export const nodeOfPort = ({ agents }: Size, network: number, nth: number): number =>
  (network * 7 + (nth % kNodesPerNetwork) * 3) % agents;

/** All but the ports, which clients make. */
export function topologyOf({ agents, networks }: Size): string {
  const uplink = ', provider: { physnet1: eth1 }, network_node: true';
  const each = (count: number, line: (at: number) => string): string[] => Array.from({ length: count }, (_, at) => `  ${line(at)}`);
  return [
    'underlay: { cidr: 172.16.0.0/16, mtu: 1500 }',
    'nodes:', ...each(agents, (at) => `${nodeName(at)}: { vtep: ${vtepOf(at)}${at < kNetworkNodes ? uplink : ''} }`),
    'networks:', ...each(networks, (at) => `${networkName(at)}: { subnets: [10.${Math.floor(at / 16)}.${(at % 16) * 16}.0/20] }`),
    'external_networks:', '  ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.0.0/16 }] }',
    'routers:',
    ...each(Math.floor(networks / kNetworksPerRouter), (at) => {
      const joined = Array.from({ length: kNetworksPerRouter }, (_, nth) => networkName(at * kNetworksPerRouter + nth));
      return `r${at + 1}: { networks: [${joined.join(', ')}], gateway: ext }`;
    }),
    '',
  ].join('\n');
}
