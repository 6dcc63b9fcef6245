/**
 * The one place where the state is replaced: a command is decided (state.ts), written to the store, and only
 * then told to whoever listens. If writing fails nothing has changed. What other controllers of the same
 * store have written is told the same way.
 */
import { DvrError, type ErrorCode } from '../model/errors.js';
import type { NodeReport, NodeView } from '../model/node-view.js';
import { CommandQueue } from './command-queue.js';
import { emptyState, type ControllerState, type Intent } from './intent.js';
import { silentLog, type Log } from './log.js';
import { keysChanged } from './sharing.js';
import { step, type Command, type ControllerEvent, type Step } from './state.js';
import { KeptIntent, type Decided, type StoreStatus } from './store/kept-intent.js';
import type { KeyValueStore } from './store/store.js';
import { viewsOf } from './views.js';

export interface ControllerListener {
  /** The node's view has changed. */
  view?(node: string, view: NodeView): void;
  /** The node has no view any more: it left the topology. */
  nodeGone?(node: string): void;
  report?(report: NodeReport): void;
  events?(events: readonly ControllerEvent[]): void;
  /** `done`, or the code that the command was refused with. */
  decided?(command: Command['command'], result: 'done' | ErrorCode): void;
}

/**
 * Whether a command must be decided on the newest there is. What agents say, of themselves and often, need not: a
 * controller takes in its agents also while the store cannot be reached. But an agent that has heard more of
 * other controllers than we have is not judged by less.
 */
function needsNewest(command: Command, { generation }: Intent): boolean {
  switch (command.command) {
    case 'registerNode':
      return (command.generation ?? 0) > generation;
    case 'reportNode':
      return command.report.generation > generation;
    case 'moveAddresses':
      return false;
    default:
      return true;
  }
}

export class Controller {
  private current: ControllerState = emptyState;
  private readonly views = new Map<string, NodeView>();
  private readonly listeners = new Set<ControllerListener>();
  private readonly queue = new CommandQueue();
  private constructor(private readonly kept: KeptIntent) {}

  /** Takes the store over, to close it. @throws DvrError DVR_STATE_UNREADABLE, DVR_STORE_UNREACHABLE */
  static async open(store: KeyValueStore, log: Log = silentLog): Promise<Controller> {
    let controller: Controller | undefined;
    const kept = await KeptIntent.open(store, log, (intent) => controller?.followOthers(intent));
    controller = new Controller(kept);
    controller.followOthers(kept.intent);
    return controller;
  }

  get state(): ControllerState {
    return this.current;
  }
  get intent(): Intent {
    return this.current.intent;
  }

  /** Where the state is kept, and whether that can be reached. */
  get store(): StoreStatus {
    return this.kept.status;
  }

  /**
   * What the node must know now, stamped with a generation at which it was so: that at which it became so, as far as we
   * have been there, or at least `known`, which the node has from another controller, or from us before we stopped.
   * Every view is stamped with the generation of an intent that it follows from. So views of one generation are the
   * same, whoever says them.
   */
  view(node: string, known = 0): NodeView | undefined {
    const view = this.views.get(node);
    if (view === undefined || view.generation >= known) return view;
    const stamped = { ...view, generation: this.intent.generation };
    this.views.set(node, stamped);
    return stamped;
  }

  listen(listener: ControllerListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /**
   * Before a read that must show all that any controller has answered to: returns when all of it is here.
   * @throws DvrError DVR_STORE_UNREACHABLE
   */
  async fresh(): Promise<void> {
    await this.kept.fresh();
  }

  /**
   * Returns when the command is done and kept; commands are done one after another, in the order of the calls.
   * @throws DvrError whatever the command is refused with; then nothing has changed. After
   * DVR_STORE_UNREACHABLE it may be done all the same, later.
   */
  async execute(command: Command): Promise<readonly ControllerEvent[]> {
    try {
      const events = await this.inTurn(command);
      this.tellDecided(command, 'done');
      return events;
    } catch (error) {
      if (error instanceof DvrError) this.tellDecided(command, error.code);
      throw error;
    }
  }

  private async inTurn(command: Command): Promise<readonly ControllerEvent[]> {
    return await this.queue.run(async () => {
      let events: readonly ControllerEvent[] = [];
      const at = `${new Date().toISOString().slice(0, 19)}Z`;
      const decide = (): Decided => {
        const next = step(this.current, command, at);
        if (next instanceof DvrError) throw next;
        return {
          intent: next.state.intent,
          commit: () => {
            events = next.events;
            this.commit(command, next);
          },
        };
      };
      await this.kept.update(decide, () => needsNewest(command, this.intent));
      return events;
    });
  }

  /** Lets the command under way end. Safe to call twice. */
  async close(): Promise<void> {
    await this.queue.idle();
    await this.kept.close();
  }

  private commit(command: Command, { state, events }: Step): void {
    const before = this.intent;
    // Where the store was read anew meanwhile, it may be further already than this step has left it.
    this.current = { ...state, intent: this.kept.intent };
    if (events.length > 0) for (const listener of [...this.listeners]) listener.events?.(events);
    this.tellViews(before);
    if (command.command === 'reportNode') this.tellReport(command.report.node);
  }

  private followOthers(intent: Intent): void {
    const before = this.intent;
    // A node that leaves takes its report along.
    const reports = new Map([...this.current.reports].filter(([node]) => intent.nodes.has(node)));
    this.current = { ...this.current, intent, reports };
    this.tellViews(before);
  }

  private tellViews(before: Intent): void {
    const { views, gone } = this.restamp(before, this.intent);
    const listeners = [...this.listeners];
    for (const node of gone) for (const listener of listeners) listener.nodeGone?.(node);
    for (const view of views)
      for (const listener of listeners) listener.view?.(view.node.name, view);
  }

  private tellDecided({ command }: Command, result: 'done' | ErrorCode): void {
    for (const listener of [...this.listeners]) listener.decided?.(command, result);
  }

  private tellReport(node: string): void {
    const report = this.current.reports.get(node);
    if (report !== undefined)
      for (const listener of [...this.listeners]) listener.report?.(report);
  }

  /** Gives a new stamp to the views whose content has changed, and keeps the others as they were. */
  private restamp(before: Intent, intent: Intent): {
    readonly views: readonly NodeView[];
    readonly gone: readonly string[];
  } {
    const old = viewsOf(before).content;
    const now = viewsOf(intent, before).content;
    const changed: NodeView[] = [];
    const gone: string[] = [];
    for (const node of keysChanged(old, now)) {
      const view = now.get(node);
      if (view === undefined) {
        this.views.delete(node);
        gone.push(node);
        continue;
      }
      const stamped = { generation: intent.generation, ...view };
      this.views.set(node, stamped);
      changed.push(stamped);
    }
    return { views: changed, gone };
  }
}
