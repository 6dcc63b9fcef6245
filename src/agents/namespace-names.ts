/**
 * Hears when a name comes or goes among the node's network namespaces. A namespace that somebody deletes lives on for
 * as long as a descriptor of ours is in it: only its name tells.
 */
import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { netnsPath } from '../namespaces/netns-path.js';

const kFolder = dirname(netnsPath('any'));

export class NamespaceNames {
  #watcher: FSWatcher | undefined;

  constructor(private readonly heard: () => void) {}

  /** Listens, unless it does. The folder comes with the first namespace: until then it is tried again. */
  follow(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(kFolder, this.heard);
      this.#watcher.on('error', () => { this.close(); });
    } catch {
      // Not there yet, or there is no room for another watch: who asks now and then finds it as well.
    }
  }

  /** Safe to call twice. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
