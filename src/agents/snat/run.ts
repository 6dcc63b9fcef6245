/**
 * The SNAT agent as a process: joins the underlay, the node's dataplane and the node's agent. Any of them may come
 * and go; a stop closes nothing at once, for the gates close by themselves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../dataplane/log.js';
import { connectDataplane } from '../../dataplane/proxy.js';
import { dataplaneSocket, snatSocket } from '../../model/paths.js';
import { kSnatPort } from './ballot.js';
import { shareIn } from './conntrack-in.js';
import { shareOut } from './conntrack-out.js';
import { openDoor } from './door.js';
import { openPost } from './post.js';
import { SnatAgent } from './snat-agent.js';

/** A hand-over of the dataplane is short, and the gates of the new one are closed until it is told. */
const kFirstWaitMs = 20;
const kLongestWaitMs = 500;

export interface SnatProcess { close(): Promise<void> }

/** @throws where the socket cannot be had. */
export async function runSnatAgent(node: string, log: Log): Promise<SnatProcess> {
  const stop = new AbortController();
  const agent: SnatAgent = new SnatAgent({
    openPost: (vtepIp, heard) => openPost(vtepIp, heard, log),
    openShare: (address, isPeer) => ({
      out: shareOut({ listen: { address, port: kSnatPort }, isPeer, log }), in: shareIn({ address, log }),
    }),
    elected: () => { door.tell(); },
    log,
  });
  const door = await openDoor(snatSocket(node), (wish) => { agent.setWish(wish); }, () => agent.winners);
  const gates = keepDataplane(agent, node, stop.signal);
  return {
    close: async () => {
      await agent.close();
      stop.abort();
      door.close();
      await gates;
    },
  };
}

async function keepDataplane(agent: SnatAgent, node: string, stop: AbortSignal): Promise<void> {
  for (let waitMs = kFirstWaitMs; !stop.aborted; waitMs = Math.min(kLongestWaitMs, waitMs * 1.5)) {
    try {
      const dataplane = await connectDataplane(dataplaneSocket(node));
      const end = (): void => { void dataplane.close(); };
      stop.addEventListener('abort', end);
      agent.connect(dataplane);
      await dataplane.ended;
      stop.removeEventListener('abort', end);
      agent.connect(undefined);
      waitMs = kFirstWaitMs;
    } catch {
      // There is none now: its gates are closed, and so is it told when it comes.
    }
    await sleep(waitMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
