/**
 * How long nodes have been behind: since when there is a view that a node has not applied. Of the views that a node
 * has not applied the first and the last are remembered, so that a node that keeps up slowly is not taken for one
 * that hangs.
 */
import type { Controller } from './controller.js';

interface Wanted {
  readonly generation: number;
  readonly sinceMs: number;
}

interface Behind {
  readonly first: Wanted;
  readonly last: Wanted;
}

export class SyncLag {
  private readonly behind = new Map<string, Behind>();
  private readonly stop: () => void;

  constructor(
    controller: Pick<Controller, 'listen'>,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.stop = controller.listen({
      view: (node, { generation }) => this.want(node, generation),
      nodeGone: (node) => this.behind.delete(node),
      report: ({ node, generation }) => this.applied(node, generation),
    });
  }

  /** 0 where the node has applied all that it is to. */
  seconds(node: string): number {
    const behind = this.behind.get(node);
    return behind === undefined ? 0 : (this.now() - behind.first.sinceMs) / 1000;
  }

  close(): void {
    this.stop();
  }

  private want(node: string, generation: number): void {
    const last = { generation, sinceMs: this.now() };
    this.behind.set(node, { first: this.behind.get(node)?.first ?? last, last });
  }

  private applied(node: string, generation: number): void {
    const behind = this.behind.get(node);
    if (behind === undefined || generation < behind.first.generation) return;
    if (generation >= behind.last.generation) this.behind.delete(node);
    else this.behind.set(node, { first: behind.last, last: behind.last });
  }
}
