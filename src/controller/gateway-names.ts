/** What the parts of the way out are called: in maps, in views and in errors. */
import type { FloatingIp } from '../model/resources.js';

export const floatingIpKey = ({ network, ip }: Pick<FloatingIp, 'network' | 'ip'>): string => `${network}/${ip}`;
export const fgPortKey = (network: string, node: string): string => `${network}/${node}`;
export const gatewayOwner = (router: string): string => `the gateway of router ${router}`;
export const fgOwner = (network: string, node: string): string => `node ${node} in network ${network}`;
