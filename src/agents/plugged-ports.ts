/**
 * What the agent knows of plugged ports: where each was put, whether this process has seen it there, and
 * which have lost their namespace. node-agent.ts asks and tells; the state file keeps the places.
 */
import { statSync } from 'node:fs';
import type { MovedTap } from '../dataplane/interface.js';
import type { NodeView } from '../model/node-view.js';
import { attachmentText, hostRoot, type Plug } from './desired.js';
import { vmDeviceName } from './local-ids.js';

/** Nothing where no namespace is, for whatever reason: a process that just ends gives other errors. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

const pathOf = ({ netns, pid }: Plug['wish']): string => netns ?? `/proc/${String(pid)}/ns/net`;

export class PluggedPorts {
  readonly #plugs: Map<string, Plug>;
  readonly #seen = new Set<string>();
  /** Ports whose device vanished, with the attachment it vanished from. */
  readonly #gone = new Map<string, string>();

  constructor(plugs: readonly Plug[]) { this.#plugs = new Map(plugs.map((plug) => [plug.port, plug])); }

  get plugs(): readonly Plug[] { return [...this.#plugs.values()]; }
  /** Ports whose plug this process has made or seen. */
  get seen(): ReadonlySet<string> { return this.#seen; }
  get gone(): ReadonlyMap<string, string> { return this.#gone; }

  /** To be said before the deed: one that fails half-way must still be taken back one day. */
  begin(wanted: Plug): Plug {
    const plug = this.#identified(wanted);
    this.#plugs.set(plug.port, plug);
    this.#seen.delete(plug.port);
    return plug;
  }

  /** A path is a name that its user looks after; what a pid means is known only while the process lives. */
  #identified(plug: Plug): Plug {
    const { pid } = plug.wish;
    if (pid === undefined) return plug;
    const before = this.#plugs.get(plug.port);
    const known = before?.wish.pid === pid ? before.netnsInode : undefined;
    const netnsInode = known ?? inodeOf(pathOf(plug.wish));
    return netnsInode === undefined ? plug : { ...plug, netnsInode };
  }

  done(port: string): void { this.#seen.add(port); }

  remove(port: string): void {
    this.#plugs.delete(port);
    this.#seen.delete(port);
  }

  /** What the state file is to hold while `intended` is being made. */
  with(intended: readonly Plug[]): Plug[] {
    const made = intended.map((plug) => this.#identified(plug));
    return [...new Map([...made, ...this.plugs].map((plug) => [plug.port, plug])).values()];
  }

  /** Where the port's device is to be, if that namespace is there: it may stand there already. */
  placeOf(device: string): MovedTap | undefined {
    const wish = this.plugs.find(({ port }) => vmDeviceName(port) === device)?.wish;
    if (wish === undefined) return undefined;
    const netns = pathOf(wish);
    return inodeOf(netns) === undefined ? undefined : { netns, ifname: wish.ifname, mac: wish.mac };
  }

  /** Whether the namespace where the device was put has lost its name, or its process. */
  hasLeft(device: string, inode: number): boolean {
    // Without the lab's supervisor a fake node sees no name on its machine, and so none that is gone.
    if (inodeOf(`${hostRoot()}/`) === undefined) return false;
    const place = this.placeOf(device);
    return place === undefined || inodeOf(place.netns) !== inode;
  }

  /** The port whose device this is, if any, is left alone until it is attached elsewhere or again. */
  deviceLeft(device: string, view: NodeView | undefined): void {
    const port = view?.localPorts.find((local) => vmDeviceName(local.name) === device);
    if (port?.attachment !== undefined) this.#gone.set(port.name, attachmentText(port.attachment));
  }

  /** A port attached anew, or elsewhere, or not at all, is no longer gone. */
  forgetGone(view: NodeView): void {
    const now = new Map(
      view.localPorts.map(({ name, attachment }) => [name, attachment && attachmentText(attachment)]),
    );
    for (const [port, from] of this.#gone) {
      if (now.get(port) === from) continue;
      this.#gone.delete(port);
      const plug = this.#plugs.get(port);
      if (plug !== undefined) this.#plugs.set(port, { port, wish: plug.wish });
    }
  }
}
