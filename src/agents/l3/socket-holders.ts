/**
 * Which process holds a packet socket: looked up once, when a socket appears, among the processes in its
 * namespace and ourselves. Those that went elsewhere after opening it are not found.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Holder } from './inside-router.js';

/** So many processes are looked at; holders beyond go unnamed, and so count as captures. */
const kMostProcesses = 16_384;

/** @param netnsInode of the namespace that the sockets are in. */
export function holdersOf(inodes: ReadonlySet<number>, netnsInode: number): ReadonlyMap<number, Holder> {
  const holders = new Map<number, Holder>();
  const pids = readdirSync('/proc').map(Number).filter((pid) => pid > 0).slice(0, kMostProcesses);
  for (const pid of pids) {
    if (holders.size === inodes.size) break;
    if (pid !== process.pid && linkOf(`/proc/${String(pid)}/ns/net`) !== `net:[${String(netnsInode)}]`) continue;
    for (const inode of socketsOf(pid)) {
      if (inodes.has(inode)) holders.set(inode, { pid, name: nameOf(pid) });
    }
  }
  return holders;
}

function socketsOf(pid: number): number[] {
  const folder = `/proc/${String(pid)}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`${folder}/${fd}`) ?? '')?.[1];
      return inode === undefined ? [] : [Number(inode)];
    });
  } catch {
    return [];
  }
}

/** Processes come and go while they are looked at. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/comm`, 'utf8').trim();
  } catch {
    return 'a process';
  }
}
