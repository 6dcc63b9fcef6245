/**
 * The underlay as this node has it: wide enough for its networks, its peers within reach of packets of full size, its
 * own VTEP address its own. Asked by ping with DF and by ARP, as the kernel's own tools do it.
 */
import { VXLAN_OVERHEAD_BYTES } from '../../model/limits.js';
import { fail, ok, warn, type Finding } from '../../model/finding.js';
import type { NodeView, PeerView } from '../../model/node-view.js';
import { said, shown } from './command.js';

export interface UnderlayDevice { readonly name: string; readonly mtuBytes: number }

/** Peers asked at once; and until when another one is begun with, so that the answer comes in time. */
const kAtOnce = 16;
const kBeginMs = 2000;
/** IP and ICMP headers of an echo. */
const kEchoBytes = { 4: 28, 6: 48 } as const;

const familyOf = (ip: string): 4 | 6 => (ip.includes(':') ? 6 : 4);

export async function underlayDevice(vtepIp: string): Promise<UnderlayDevice | undefined> {
  const holder = (await shown('address', 'show', 'to', vtepIp))[0];
  return holder === undefined ? undefined : { name: String(holder['ifname']), mtuBytes: Number(holder['mtu']) };
}

/** The largest IP packet that this node sends to its peers. */
export function largestPacket({ node, networks }: NodeView): number {
  const widest = Math.max(0, ...networks.map(({ mtuBytes }) => mtuBytes));
  return widest === 0 ? 0 : widest + VXLAN_OVERHEAD_BYTES[familyOf(node.vtepIp)];
}

export async function examineUnderlay(view: NodeView): Promise<readonly Finding[]> {
  const { vtepIp } = view.node;
  const device = await underlayDevice(vtepIp);
  if (device === undefined)
    return [fail('peers', `no device of the node has its VTEP address ${vtepIp}`,
      `give it to the underlay device: ip address add ${vtepIp}/… dev …`)];
  const [paths, address] = await Promise.all([examinePaths(view), examineAddress(vtepIp, device)]);
  return [mtuFinding(view, device), ...paths, ...address];
}

export function mtuFinding(view: NodeView, { name, mtuBytes }: UnderlayDevice): Finding {
  const neededBytes = largestPacket(view);
  if (mtuBytes >= neededBytes)
    return ok('mtu', `${name} has MTU ${String(mtuBytes)}, and ${String(neededBytes)} is needed`);
  return fail('mtu',
    `${name} has MTU ${String(mtuBytes)}, less than the ${String(neededBytes)} that networks here need: large packets are lost`,
    `ip link set ${name} mtu ${String(neededBytes)}, or give the networks a smaller MTU`);
}

type Reach = 'whole' | 'small' | 'none' | 'not asked';

async function examinePaths(view: NodeView): Promise<readonly Finding[]> {
  const sizeBytes = largestPacket(view);
  const untilMs = performance.now() + kBeginMs;
  const waiting = [...view.peers];
  const reached: (readonly [PeerView, Reach])[] = [];
  const askNext = async (): Promise<void> => {
    for (let peer = waiting.shift(); peer !== undefined; peer = waiting.shift())
      reached.push([peer, performance.now() > untilMs ? 'not asked' : await reachOf(peer.vtepIp, sizeBytes)]);
  };
  await Promise.all(Array.from({ length: kAtOnce }, askNext));
  return pathFindings(reached, sizeBytes);
}

async function reachOf(ip: string, sizeBytes: number): Promise<Reach> {
  const echo = (bytes: number): Promise<boolean> =>
    said('ping', ['-n', '-c', '1', '-W', '1', '-M', 'do', '-s', String(bytes), ip]).then(({ code }) => code === 0);
  const [whole, small] = await Promise.all([echo(Math.max(0, sizeBytes - kEchoBytes[familyOf(ip)])), echo(8)]);
  if (whole) return 'whole';
  return small ? 'small' : 'none';
}

export function pathFindings(reached: readonly (readonly [PeerView, Reach])[], sizeBytes: number): Finding[] {
  const those = (reach: Reach): PeerView[] => reached.filter(([, how]) => how === reach).map(([peer]) => peer);
  const named = ({ name, vtepIp }: PeerView): string => `${name} (${vtepIp})`;
  const notAsked = those('not asked').length;
  const found = [
    ...those('small').map((peer) => fail('mtu',
      `packets of ${String(sizeBytes)} bytes do not get to ${named(peer)}, small ones do: something on the way has a smaller MTU`,
      'raise the MTU of what lies between the two, or give the networks a smaller one')),
    ...those('none').map((peer) => (peer.interop
      ? warn('peers', `${named(peer)} does not answer ping`, 'see whether it may: foreign VTEPs need not answer')
      : fail('peers', `${named(peer)} does not answer ping`, 'see that it runs, and the routes and firewalls between the two'))),
    ...(notAsked === 0 ? []
      : [warn('peers', `${String(notAsked)} peers were not asked: there was no time`, 'ask again when others answer faster')]),
  ];
  const whole = those('whole').length;
  return found.length > 0 || whole === 0 ? found
    : [ok('peers', `${String(whole)} peers answer packets of ${String(sizeBytes)} bytes`)];
}

/** Whether anybody else answers for the node's own VTEP address. IPv6 finds that out by itself. */
async function examineAddress(vtepIp: string, { name }: UnderlayDevice): Promise<readonly Finding[]> {
  if (familyOf(vtepIp) === 6) {
    const failed = (await shown('-6', 'address', 'show', 'dev', name, 'dadfailed')).length > 0;
    return failed ? [doubled(vtepIp, 'another device, as the kernel has found')] : [ok('addresses', `${vtepIp} is this node's alone`)];
  }
  const { code, stdout, stderr } = await said('arping', ['-D', '-c', '2', '-w', '1', '-I', name, vtepIp]);
  const others = othersIn(stdout);
  if (others.length > 0) return [doubled(vtepIp, others.join(' and '))];
  if (code === 0) return [ok('addresses', `${vtepIp} is this node's alone`)];
  return [warn('addresses', `whether ${vtepIp} is this node's alone could not be asked: ${stderr.trim() || stdout.trim()}`,
    'apt-get install iputils-arping')];
}

const doubled = (vtepIp: string, who: string): Finding => fail('addresses',
  `${who} also has ${vtepIp}, this node's VTEP address: packets go now to the one, now to the other`,
  'take the address away from whoever should not have it; `ip neigh` and the switch know where that MAC is');

/** MACs that arping has heard of. */
export const othersIn = (stdout: string): string[] =>
  [...new Set([...stdout.matchAll(/\[([0-9A-F:]{17})\]/gi)].map(([, mac = '']) => mac.toLowerCase()))];
