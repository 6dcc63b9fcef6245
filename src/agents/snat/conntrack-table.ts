/** A namespace's table of tracked connections: told whole, and changed. The thin end at the kernel. */
import { constants } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { addon, type NetfilterSocket } from '../../dataplane/native.js';
import type { Change, Connection } from './conntrack-connection.js';
import { hear } from './conntrack-heard.js';
import { createMessage, dumpMessage, removeMessage, updateMessage } from './conntrack-requests.js';

const { errno } = constants;
/** Of one message to the kernel; a socket takes about three times that. */
const kMaxMessageBytes = 64 << 10;

/** All that is worth sharing in the namespace at `path`, part by part; other work goes on between them. */
export async function* listConnections(path: string): AsyncGenerator<readonly Connection[]> {
  const socket = new (addon().NetfilterSocket)(path, [], () => {});
  try {
    socket.send(dumpMessage());
    for (;;) {
      // The kernel writes the next part while this one is taken: there is one until it is done.
      const part = socket.take();
      const { changes, failures: [failure], done } = part === undefined ? { changes: [], failures: [], done: true } : hear(part);
      if (failure !== undefined) throw new Error(`the kernel does not list connections: error ${String(failure.errno)}`);
      yield changes.flatMap((change) => (change.kind === 'is' ? [change.connection] : []));
      if (done) return;
      await turn();
    }
  } finally {
    socket.close();
  }
}

/** Changes that the kernel refused, though what they say may be so: another connection has their place. */
export type Refused = readonly Connection[];

export class ConntrackTable {
  readonly #socket: NetfilterSocket;

  /** @throws an Error with `code` where there is no such namespace. */
  constructor(path: string) {
    this.#socket = new (addon().NetfilterSocket)(path, [], () => {});
  }

  /** In their order, before this returns. What is there is brought up to date, what is gone already may be. */
  apply(changes: readonly Change[]): Refused {
    const failures = this.#ask(changes.map((change, at) =>
      (change.kind === 'is' ? createMessage(change.connection, at) : removeMessage(change.id, at))));
    const there = failures.flatMap(({ sequence, errno: number }) => {
      const change = changes[sequence];
      return change?.kind === 'is' && number === errno.EEXIST ? [change.connection] : [];
    });
    return this.#ask(there.map((connection, at) => updateMessage(connection, at)))
      .flatMap(({ sequence, errno: number }) => (number === errno.ENOENT ? there[sequence] ?? [] : []));
  }

  /** Safe to call twice. */
  close(): void { this.#socket.close(); }

  /** The kernel does what it is asked before send() returns, and says only what it could not do. */
  #ask(messages: readonly Buffer[]): { readonly sequence: number; readonly errno: number }[] {
    const failures: { readonly sequence: number; readonly errno: number }[] = [];
    for (let at = 0; at < messages.length;) {
      const first = at;
      for (let bytes = 0; at < messages.length && (at === first || bytes <= kMaxMessageBytes); ++at) bytes += messages[at]?.length ?? 0;
      this.#socket.send(Buffer.concat(messages.slice(first, at)));
      for (let part = this.#socket.take(); part !== undefined; part = this.#socket.take()) failures.push(...hear(part).failures);
    }
    return failures;
  }
}
