/**
 * Watches the router namespaces of this node for what must be seen inside (inside-router.ts). Packet
 * sockets are asked for, because the kernel does not tell of them; everything else is heard at once.
 *
 * A watch keeps its namespace alive, so it is closed before the namespace is removed, and by letGo() when
 * somebody else has removed it.
 */
import { statSync } from 'node:fs';
import type { NamespaceFacts, NamespaceWatch, PacketSocket } from '../../dataplane/native.js';
import type { RouterView } from '../../model/node-view.js';
import type { RoutingMode } from '../../model/routing.js';
import { netnsPath } from '../../namespaces/netns-path.js';
import { routerNamespaceName } from '../../namespaces/router-namespace.js';
import { reasonsInside, type Holder } from './inside-router.js';
import { routerWay, type RouterWays } from './router-ways.js';
import { holdersOf } from './socket-holders.js';

export interface RouterWatchParts {
  /** Opens a watch of a namespace; the addon does it, tests pretend. */
  readonly open: (path: string, heard: () => void) => NamespaceWatch;
  /** For all routers, whatever the topology says. */
  readonly mode?: RoutingMode | undefined;
}

/** How often packet sockets are asked for: a capture's first packets pass unseen for at most so long. */
const kAskMs = 50;
/** Where asking takes long (4 µs a router) it is done less often: it takes at most one part in so many. */
const kAskShare = 50;
/** What is heard sooner after the last look waits for the next asking: a busy tool is not followed closely. */
const kLookAgainMs = 10;
/** A router goes the fast way again when there was no reason against it for so long: it does not flap. */
const kHoldMs = 1000;

interface Watched {
  /** Of the namespace; a new one of the same name has another. */
  readonly inode: number | undefined;
  readonly watch: NamespaceWatch;
  holders: ReadonlyMap<number, Holder | undefined>;
  sockets: readonly PacketSocket[];
  facts: NamespaceFacts;
  lookedMs: number;
  /** Something was heard that has not been looked at. */
  isStale: boolean;
  /** Why the namespace, since when there is no such reason if there is none. */
  reasons: readonly string[];
  quietSinceMs: number | undefined;
}

export class RouterWatch {
  /** By namespace. */
  readonly #watched = new Map<string, Watched>();
  /** Why a namespace is not watched, by its name. */
  readonly #blind = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #changed: () => void = () => {};

  constructor(private readonly parts: RouterWatchParts) {}

  /** Begins to ask; `changed` is called when a router's way may be another. */
  start(changed: () => void): void {
    this.#changed = changed;
    this.#askLater(kAskMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { watch } of this.#watched.values()) watch.close();
    this.#watched.clear();
  }

  /** Watches the router's namespace, which has just been built, and looks inside at once. */
  watch(namespace: string): void {
    const inode = inodeOf(namespace);
    const before = this.#watched.get(namespace);
    if (before !== undefined && before.inode === inode) return;
    this.forget(namespace);
    try {
      this.#watched.set(namespace, this.#open(namespace, inode));
    } catch (error) {
      this.#blind.set(namespace, `its namespace cannot be watched: ${messageOf(error)}`);
    }
  }

  /** Closes the router's watch, so that its namespace can go. */
  forget(namespace: string): void {
    this.#blind.delete(namespace);
    this.#watched.get(namespace)?.watch.close();
    this.#watched.delete(namespace);
  }

  /** Closes the watches of namespaces that have lost their name: others removed them. */
  letGo(): void {
    for (const [namespace, { inode }] of [...this.#watched]) {
      if (inodeOf(namespace) === inode) continue;
      this.forget(namespace);
      this.#blind.set(namespace, 'its namespace is gone');
    }
  }

  /** Looks at everything anew: for what cannot be heard of. */
  look(): void {
    this.#each((watched) => this.#lookAt(watched));
  }

  ways(routers: readonly Pick<RouterView, 'id' | 'routing'>[]): RouterWays {
    return new Map(routers.map(({ id, routing }) =>
      [id, routerWay(this.parts.mode ?? routing, this.#reasonsOf(routerNamespaceName(id)))]));
  }

  #reasonsOf(namespace: string): readonly string[] {
    const watched = this.#watched.get(namespace);
    return watched?.reasons ?? [this.#blind.get(namespace) ?? 'its namespace is not built yet'];
  }

  #open(namespace: string, inode: number | undefined): Watched {
    const watch = this.parts.open(netnsPath(namespace), () => { this.#hear(namespace); });
    try {
      const watched: Watched = {
        inode, watch, holders: new Map(), sockets: watch.packetSockets(), facts: watch.facts(),
        lookedMs: performance.now(), isStale: false, reasons: [], quietSinceMs: undefined,
      };
      watched.reasons = judge(watched);
      return watched;
    } catch (error) {
      watch.close();
      throw error;
    }
  }

  #hear(namespace: string): void {
    const watched = this.#watched.get(namespace);
    if (watched === undefined) return;
    if (performance.now() - watched.lookedMs < kLookAgainMs) watched.isStale = true;
    else this.#tell(this.#guarded(namespace, watched, (one) => this.#lookAt(one)));
  }

  #askLater(afterMs: number): void {
    this.#timer = setTimeout(() => {
      const beganMs = performance.now();
      this.#each((watched) => this.#ask(watched));
      this.#askLater(Math.max(kAskMs, (performance.now() - beganMs) * kAskShare));
    }, afterMs);
    this.#timer.unref();
  }

  #each(act: (watched: Watched) => boolean): void {
    const changed = [...this.#watched].map(([namespace, watched]) => this.#guarded(namespace, watched, act));
    this.#tell(changed.includes(true));
  }

  #tell(changed: boolean): void {
    if (changed) this.#changed();
  }

  /** A namespace that cannot be looked into takes its packets: nobody knows who looks inside. */
  #guarded(namespace: string, watched: Watched, act: (watched: Watched) => boolean): boolean {
    try {
      return act(watched);
    } catch (error) {
      this.forget(namespace);
      this.#blind.set(namespace, `its namespace cannot be watched: ${messageOf(error)}`);
      return true;
    }
  }

  #ask(watched: Watched): boolean {
    if (watched.isStale) return this.#lookAt(watched);
    const sockets = watched.watch.packetSockets();
    const isAsBefore = sameSockets(sockets, watched.sockets);
    if (isAsBefore && watched.quietSinceMs === undefined) return false;
    watched.sockets = sockets;
    return settle(watched, isAsBefore ? [] : judge(watched));
  }

  #lookAt(watched: Watched): boolean {
    watched.facts = watched.watch.facts();
    watched.sockets = watched.watch.packetSockets();
    watched.lookedMs = performance.now();
    watched.isStale = false;
    return settle(watched, judge(watched));
  }
}

/** The reasons of now; holders of sockets that are new are looked up. */
function judge(watched: Watched): readonly string[] {
  const known = watched.holders;
  const fresh = new Set(watched.sockets.map(({ inode }) => inode).filter((inode) => !known.has(inode)));
  const found = fresh.size === 0 ? new Map<number, Holder>() : holdersOf(fresh, watched.inode ?? 0);
  watched.holders = new Map(watched.sockets.map(({ inode }) => [inode, known.get(inode) ?? found.get(inode)]));
  return reasonsInside(watched.sockets, watched.facts, (inode) => watched.holders.get(inode), process.pid);
}

/** Takes reasons in; the last ones stay for a while when there are none any more. Answers whether they change. */
function settle(watched: Watched, reasons: readonly string[]): boolean {
  const nowMs = performance.now();
  if (reasons.length > 0) {
    watched.quietSinceMs = undefined;
  } else if (watched.reasons.length > 0) {
    watched.quietSinceMs ??= nowMs;
    if (nowMs - watched.quietSinceMs < kHoldMs) return false;
    watched.quietSinceMs = undefined;
  }
  const isAsBefore = reasons.length === watched.reasons.length && reasons.every((one, at) => one === watched.reasons[at]);
  watched.reasons = reasons;
  return !isAsBefore;
}

const sameSockets = (left: readonly PacketSocket[], right: readonly PacketSocket[]): boolean =>
  left.length === right.length
  && left.every(({ ifindex, inode }, at) => ifindex === right[at]?.ifindex && inode === right[at].inode);

const inodeOf = (namespace: string): number | undefined =>
  statSync(netnsPath(namespace), { throwIfNoEntry: false })?.ino;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
