/** Ballots between nodes: one UDP socket on the VTEP address, where no tenant's packet gets. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Log } from '../../dataplane/log.js';
import { datagrams, kSnatPort, readDatagram, type Ballot } from './ballot.js';

export interface Post {
  /** Who is who; `peers` are VTEP addresses by node. */
  setPeers(self: string, peers: Readonly<Record<string, string>>): void;
  /** To nodes by name, this one among them; who is not known gets nothing. */
  send(to: readonly string[], ballot: Ballot): void;
  close(): void;
}

/** How long after an address could not be had it is tried again: the underlay device may come later. */
const kBindAgainMs = 1000;

export function openPost(
  vtepIp: string, heard: (ballots: readonly Ballot[], fromIp: string) => void, log: Log,
): Post {
  const waiting = new Map<string, Ballot[]>();
  let self = '';
  let peers: Readonly<Record<string, string>> = {};
  let socket = open();
  let again: NodeJS.Timeout | undefined;

  function open(): Socket {
    const opened = createSocket(isIPv6(vtepIp) ? 'udp6' : 'udp4');
    opened.on('message', (datagram, { address }) => { heard(readDatagram(datagram), address); });
    opened.on('error', (error) => {
      log('warn', 'the SNAT agent cannot use the underlay', { vtepIp, why: error.message });
      opened.close();
      again ??= setTimeout(() => { again = undefined; socket = open(); }, kBindAgainMs);
    });
    opened.bind(kSnatPort, vtepIp);
    return opened;
  }

  /** What is said at one moment goes out together; what a node says to itself takes the same turn. */
  function flush(): void {
    const letters = [...waiting];
    waiting.clear();
    for (const [node, ballots] of letters) {
      if (node === self) { heard(ballots, vtepIp); continue; }
      const address = peers[node];
      if (address === undefined) continue;
      // A loss is made good by the next round.
      for (const datagram of datagrams(ballots)) if (again === undefined) socket.send(datagram, kSnatPort, address, () => {});
    }
  }

  return {
    setPeers: (node, known) => { self = node; peers = known; },
    send: (to, ballot) => {
      if (waiting.size === 0) queueMicrotask(flush);
      for (const node of to) waiting.set(node, [...waiting.get(node) ?? [], ballot]);
    },
    close: () => { clearTimeout(again); if (again === undefined) socket.close(); },
  };
}
