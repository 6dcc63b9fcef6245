/** What the node is to be now: the controller's view, with whom the nodes have elected put in. */
import { withElected, type Winners } from '../model/elected.js';
import type { NodeView } from '../model/node-view.js';

export class CurrentView {
  #winners: Winners = {};
  #now: NodeView | undefined;

  constructor(private view: NodeView | undefined) { this.#now = view; }

  /** As the controller gave it. */
  get given(): NodeView | undefined { return this.view; }
  get now(): NodeView | undefined { return this.#now; }

  set(view: NodeView): void {
    this.view = view;
    this.#now = withElected(view, this.#winners);
  }

  elect(winners: Winners): void {
    this.#winners = winners;
    if (this.view !== undefined) this.set(this.view);
  }

  /** Who does the router's source NAT, where that was elected. */
  snatNode(router: string): { readonly snatNode?: string } {
    const snatNode = this.#winners[router];
    return snatNode === undefined ? {} : { snatNode };
  }
}
