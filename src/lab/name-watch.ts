/** Hears when a name comes or goes among the namespaces of a lab's nodes, so that publish.ts need not look all the time. */
import { type FSWatcher, watch } from 'node:fs';
import { innerNetnsDir } from './publish.js';

export class NameWatch {
  readonly #watched = new Map<string, { readonly dir: string; readonly watcher: FSWatcher }>();

  constructor(private readonly heard: () => void) {}

  /** Follows the folders that these nodes have now; a node that was held anew has another. */
  follow(nodes: readonly string[]): void {
    for (const node of nodes) {
      const dir = innerNetnsDir(node);
      if (this.#watched.get(node)?.dir === dir) continue;
      this.#forget(node);
      if (dir !== undefined) this.#watch(node, dir);
    }
  }

  close(): void {
    for (const node of [...this.#watched.keys()]) this.#forget(node);
  }

  /** A folder that cannot be watched is tried again by the next follow(). */
  #watch(node: string, dir: string): void {
    try {
      const watcher = watch(dir, this.heard);
      watcher.on('error', () => { this.#forget(node); });
      this.#watched.set(node, { dir, watcher });
    } catch {
      // The node's holder has just ended, or its folder is not made yet.
    }
  }

  #forget(node: string): void {
    this.#watched.get(node)?.watcher.close();
    this.#watched.delete(node);
  }
}
