/**
 * The one place where the state is replaced: a command is decided (state.ts), written to disk, and only
 * then told to whoever listens. If writing fails nothing has changed.
 */
import { DvrError } from '../model/errors.js';
import type { NodeReport, NodeView } from '../model/node-view.js';
import { emptyState, type ControllerState, type Intent } from './intent.js';
import { step, type Command, type ControllerEvent } from './state.js';
import { keysChanged } from './sharing.js';
import type { Store } from './store.js';
import { viewsOf, type ViewContent } from './views.js';

export interface ControllerListener {
  /** The node's view has changed. */
  view?(node: string, view: NodeView): void;
  /** The node has no view any more: it left the topology. */
  nodeGone?(node: string): void;
  report?(report: NodeReport): void;
  events?(events: readonly ControllerEvent[]): void;
}

export class Controller {
  private current: ControllerState = emptyState;
  private readonly views = new Map<string, NodeView>();
  private readonly listeners = new Set<ControllerListener>();

  private constructor(private readonly store: Store) {}

  /** @throws DvrError DVR_STATE_UNREADABLE */
  static open(store: Store): Controller {
    const controller = new Controller(store);
    controller.current = { ...emptyState, intent: store.load() };
    controller.restamp(controller.current.intent);
    return controller;
  }

  get state(): ControllerState {
    return this.current;
  }
  get intent(): Intent {
    return this.current.intent;
  }

  /** What the node must know now, stamped with the generation at which it became so. */
  view(node: string): NodeView | undefined {
    return this.views.get(node);
  }

  listen(listener: ControllerListener): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** @throws DvrError whatever the command is refused with; then nothing has changed. */
  execute(command: Command): readonly ControllerEvent[] {
    const next = step(this.current, command);
    if (next instanceof DvrError) throw next;
    if (next.state.intent !== this.current.intent) this.store.save(next.state.intent);
    const before = this.intent;
    this.current = next.state;
    const changed = this.restamp(next.state.intent, before);
    const listeners = [...this.listeners];
    if (next.events.length > 0) for (const listener of listeners) listener.events?.(next.events);
    for (const node of changed.gone) for (const listener of listeners) listener.nodeGone?.(node);
    for (const view of changed.views)
      for (const listener of listeners) listener.view?.(view.node.name, view);
    if (command.command === 'reportNode') this.tellReport(command.report.node, listeners);
    return next.events;
  }

  private tellReport(node: string, listeners: readonly ControllerListener[]): void {
    const report = this.current.reports.get(node);
    if (report !== undefined) for (const listener of listeners) listener.report?.(report);
  }

  /** Gives a new stamp to the views whose content has changed, and keeps the others as they were. */
  private restamp(intent: Intent, before?: Intent): {
    readonly views: readonly NodeView[];
    readonly gone: readonly string[];
  } {
    const old = before === undefined ? new Map<string, ViewContent>() : viewsOf(before).content;
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
