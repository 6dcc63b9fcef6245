/**
 * Watches the namespaces of this node, and tells when one of them is not what it was. Router namespaces it watches also
 * for what must be seen inside (inside-router.ts): looks when the addon has heard something, and keeps what it
 * found as the reasons of each router's way.
 *
 * A watch keeps its namespace alive, so it is closed before the namespace is removed, and by letGo() when
 * somebody else has removed it.
 */
import { statSync } from 'node:fs';
import type { NamespaceFacts, NamespaceWatch, PacketSocket } from '../../dataplane/native.js';
import type { RouterView } from '../../model/node-view.js';
import type { RoutingMode } from '../../model/routing.js';
import { isRouterNamespace, routerNamespaceName } from '../../namespaces/names.js';
import { netnsPath } from '../../namespaces/netns-path.js';
import { reasonsInside, type Holder } from './inside-router.js';
import { routerWay, type RouterWays } from './router-ways.js';
import { holdersOf } from './socket-holders.js';

export interface RouterWatchParts {
  /** Opens a watch of a namespace; the addon does it, tests pretend. */
  readonly open: (path: string, heard: () => void, askMs: number) => NamespaceWatch;
  /** For all routers, whatever the topology says. */
  readonly mode?: RoutingMode | undefined;
}

export interface RouterListener {
  /** A router's way may be another: rows and report follow. */
  changed(): void;
  /** Something in the namespace is not what it was, by whomever. */
  touched(namespace: string): void;
}

/** How late a capture in a router namespace may be noticed that does not set a device promiscuous. */
const kAskMs = 50;
/** Who captures elsewhere is of no interest, and as seldom asked for as can be. */
const kSeldomMs = 60_000;
/** What is heard sooner after the last look is looked at then, all at once: a busy tool is not followed closely. */
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
  /** The next look, when one is due without anything being heard. */
  timer: NodeJS.Timeout | undefined;
  /** Why it must be the namespace; of those that are gone the last stay for a while, from then on. */
  reasons: readonly string[];
  quietSinceMs: number | undefined;
}

export class RouterWatch {
  /** By namespace. */
  readonly #watched = new Map<string, Watched>();
  /** Why a namespace is not watched, by its name. */
  readonly #blind = new Map<string, string>();
  #listener: RouterListener = { changed: () => {}, touched: () => {} };

  constructor(private readonly parts: RouterWatchParts) {}

  start(listener: RouterListener): void { this.#listener = listener; }

  close(): void {
    for (const namespace of [...this.#watched.keys()]) this.forget(namespace);
  }

  /** Watches the namespace, which has just been built; a router's is looked into at once. */
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

  /** Closes the watch, so that its namespace can go. */
  forget(namespace: string): void {
    this.#blind.delete(namespace);
    const watched = this.#watched.get(namespace);
    if (watched === undefined) return;
    clearTimeout(watched.timer);
    watched.watch.close();
    this.#watched.delete(namespace);
  }

  /** Closes the watches of namespaces that have lost their name, and names them: others removed them. */
  letGo(): readonly string[] {
    const gone = [...this.#watched].filter(([namespace, { inode }]) => inodeOf(namespace) !== inode)
      .map(([namespace]) => namespace);
    for (const namespace of gone) {
      this.forget(namespace);
      this.#blind.set(namespace, 'its namespace is gone');
    }
    return gone;
  }

  /** Looks at everything anew: for what cannot be heard of, and for what could not be watched when it was tried last. */
  look(): void {
    const routers = [...this.#watched].filter(([namespace]) => isRouterNamespace(namespace));
    const changed = routers.map(([namespace, watched]) => this.#lookAt(namespace, watched));
    const watchedAgain = [...this.#blind.keys()].map((namespace) => {
      this.watch(namespace);
      return this.#watched.has(namespace);
    });
    if ([...changed, ...watchedAgain].includes(true)) this.#listener.changed();
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
    const isRouter = isRouterNamespace(namespace);
    const watch = this.parts.open(netnsPath(namespace), () => { this.#hear(namespace); }, isRouter ? kAskMs : kSeldomMs);
    try {
      const watched: Watched = {
        inode, watch, holders: new Map(), sockets: watch.packetSockets(), facts: watch.facts(),
        lookedMs: performance.now(), timer: undefined, reasons: [], quietSinceMs: undefined,
      };
      if (!isRouter) return watched;
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
    this.#listener.touched(namespace);
    if (!isRouterNamespace(namespace)) return;
    const sinceMs = performance.now() - watched.lookedMs;
    if (sinceMs < kLookAgainMs) this.#lookLater(namespace, watched, kLookAgainMs - sinceMs);
    else if (this.#lookAt(namespace, watched)) this.#listener.changed();
  }

  #lookLater(namespace: string, watched: Watched, afterMs: number): void {
    clearTimeout(watched.timer);
    watched.timer = setTimeout(() => {
      if (this.#lookAt(namespace, watched)) this.#listener.changed();
    }, afterMs);
    watched.timer.unref();
  }

  /** A namespace that cannot be looked into takes its packets: nobody knows who looks inside. */
  #lookAt(namespace: string, watched: Watched): boolean {
    try {
      clearTimeout(watched.timer);
      watched.facts = watched.watch.facts();
      watched.sockets = watched.watch.packetSockets();
      watched.lookedMs = performance.now();
      const changed = settle(watched, judge(watched));
      const { quietSinceMs } = watched;
      if (quietSinceMs !== undefined) this.#lookLater(namespace, watched, quietSinceMs + kHoldMs - performance.now());
      return changed;
    } catch (error) {
      this.forget(namespace);
      this.#blind.set(namespace, `its namespace cannot be watched: ${messageOf(error)}`);
      return true;
    }
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

const inodeOf = (namespace: string): number | undefined =>
  statSync(netnsPath(namespace), { throwIfNoEntry: false })?.ino;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
