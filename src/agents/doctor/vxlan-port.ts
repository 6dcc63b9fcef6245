/** Who has VXLAN's UDP port on this node: the dataplane, and nobody beside it, who would get some of its packets. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import type { DataplaneHello } from '../../dataplane/interface.js';
import { fail, ok, warn, type Finding } from '../../model/finding.js';
import { holdersOf } from '../l3/socket-holders.js';
import { shown } from './command.js';

const kPort = 4789;

export async function examineVxlanPort(vtepIp: string, hello: DataplaneHello): Promise<readonly Finding[]> {
  const vtep = hello.devices.find(({ spec }) => spec.kind === 'vtep');
  const own = new Set((vtep?.fds ?? []).map((fd) => inodeOfFd(hello.pid, fd)));
  const strangers = socketsAt(kPort, vtepIp).filter((inode) => !own.has(inode));
  const holders = holdersOf(new Set(strangers), statSync('/proc/self/ns/net').ino);
  const kernel = await kernelVxlans();
  if (strangers.length > 0) {
    const who = strangers.map((inode) => {
      const holder = holders.get(inode);
      if (holder !== undefined) return `${holder.name} (pid ${String(holder.pid)})`;
      return kernel.length > 0 ? `the kernel's VXLAN device ${kernel.join(', ')}` : 'somebody unknown';
    });
    return [fail('vxlan port', `${[...new Set(who)].join(' and ')} has UDP port ${String(kPort)} of ${vtepIp} as well`,
      `end it, or let it use another port: ss -lunp "sport = :${String(kPort)}"`)];
  }
  const port = `UDP port ${String(kPort)} of ${vtepIp}`;
  if (vtep === undefined) return [fail('vxlan port', `the dataplane does not listen on ${port}`, 'see dvr status for its error')];
  return kernel.length === 0 ? [ok('vxlan port', `${port} is the dataplane's`)]
    : [warn('vxlan port', `VXLAN devices of the kernel want port ${String(kPort)} as well: ${kernel.join(', ')}`,
      'take them away: ip link del …')];
}

/** Devices of the kernel's own VXLAN that would take the port when they come up. */
async function kernelVxlans(): Promise<readonly string[]> {
  const devices = await shown('-details', 'link', 'show', 'type', 'vxlan');
  return devices.filter(({ linkinfo }) => {
    const data = (linkinfo as { readonly info_data?: { readonly port?: unknown } } | undefined)?.info_data;
    return data?.port === kPort;
  }).map(({ ifname }) => String(ifname));
}

/** Inodes of the UDP sockets of this network namespace that get what is for the address and port; 0: the kernel's. */
export function socketsAt(port: number, ip: string): number[] {
  const wanted = new Set([procAddress(ip), '0'.repeat(8), '0'.repeat(32)]);
  return ['/proc/self/net/udp', '/proc/self/net/udp6'].flatMap((path) => linesOf(path).slice(1)).flatMap((line) => {
    const [, local = '', , , , , , , , inode = ''] = line.trim().split(/\s+/);
    const [address = '', hexPort = ''] = local.split(':');
    return parseInt(hexPort, 16) === port && wanted.has(address) ? [Number(inode)] : [];
  });
}

/** As /proc/net/udp writes it: of IPv4, four bytes in the machine's order; of others only "any" is of interest. */
const procAddress = (ip: string): string => ip.includes(':') ? ip
  : ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0')).reverse().join('').toUpperCase();

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').trim().split('\n');
  } catch {
    return []; // A kernel without IPv6 has no such file.
  }
}

function inodeOfFd(pid: number, fd: number): number {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${String(pid)}/fd/${String(fd)}`))?.[1]);
  } catch {
    return NaN;
  }
}
