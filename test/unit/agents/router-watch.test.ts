import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RouterWatch } from '../../../src/agents/l3/router-watch.js';
import type { NamespaceFacts, NamespaceWatch, PacketSocket } from '../../../src/dataplane/native.js';
import type { RoutingMode } from '../../../src/model/routing.js';

const empty: NamespaceFacts = { links: [], qdiscs: [], rules: [], routes: [], nftTables: [], xtables: [] };
const withTable: NamespaceFacts = { ...empty, nftTables: [{ family: 1, name: 'mine' }] };
const capture: PacketSocket = { ifindex: 0, inode: 1 };

/** A namespace that the test fills, and what was opened of it. */
class FakeNamespace implements NamespaceWatch {
  sockets: PacketSocket[] = [];
  now = empty;
  looked = 0;
  isOpen = true;
  failure: Error | undefined;
  heard: () => void = () => {};

  packetSockets(): PacketSocket[] {
    if (this.failure !== undefined) throw this.failure;
    return this.sockets;
  }
  facts(): NamespaceFacts {
    if (this.failure !== undefined) throw this.failure;
    ++this.looked;
    return this.now;
  }
  close(): void { this.isOpen = false; }
}

let opened: Map<string, FakeNamespace>;
let refusal: Error | undefined;
let changes: number;
let watch: RouterWatch;

function watchWith(mode?: RoutingMode): RouterWatch {
  const made = new RouterWatch({
    mode,
    open: (path, heard) => {
      if (refusal !== undefined) throw refusal;
      const namespace = new FakeNamespace();
      namespace.heard = heard;
      opened.set(path, namespace);
      return namespace;
    },
  });
  made.start({ changed: () => { ++changes; }, touched: () => {} });
  return made;
}

const r1 = (): FakeNamespace => {
  const found = opened.get('/run/netns/qrouter-r1');
  if (found === undefined) throw new Error('qrouter-r1 is not watched');
  return found;
};
/** The kernel says that these sockets are there now, long after the last look. */
function hear(sockets: PacketSocket[]): void {
  vi.advanceTimersByTime(20);
  r1().sockets = sockets;
  r1().heard();
}

const wayOf = (routing: RoutingMode = 'auto'): string => {
  const way = watch.ways([{ id: 'r1', routing }]).get('r1');
  return `${way?.way ?? ''}: ${way?.why ?? ''}`;
};
const fast = 'fast: routing is auto and nobody looks or rules inside';

beforeEach(() => {
  vi.useFakeTimers();
  [opened, refusal, changes] = [new Map(), undefined, 0];
  watch = watchWith();
  watch.watch('qrouter-r1');
});
afterEach(() => {
  watch.close();
  vi.useRealTimers();
});

describe('watching a router', () => {
  it('looks inside at once, so that the first rows are right', () => {
    watch.forget('qrouter-r1');
    expect(wayOf()).toBe('namespace: its namespace is not built yet');
    watch.watch('qrouter-r1');
    expect(wayOf()).toBe(fast);
    expect(changes).toBe(0);
  });

  it('opens one watch however often it is asked to', () => {
    const first = r1();
    watch.watch('qrouter-r1');
    expect(r1()).toBe(first);
  });

  it('takes what is heard at once', () => {
    hear([capture]);
    expect(wayOf()).toBe('namespace: a packet socket listens on every device');
    expect(changes).toBe(1);
    r1().now = withTable;
    hear([]);
    expect(wayOf()).toBe('namespace: nft table inet mine is not ours');
    expect(changes).toBe(2);
  });

  it('looks once more, and not at once, where it hears much right after a look', () => {
    hear([]);
    const { looked } = r1();
    for (let times = 0; times < 100; ++times) r1().heard();
    expect(r1().looked).toBe(looked);
    r1().now = withTable;
    vi.advanceTimersByTime(50);
    expect(r1().looked).toBe(looked + 1);
    expect(wayOf()).toContain('nft table inet mine');
  });

  it('goes the fast way again when there was no reason for a second', () => {
    hear([capture]);
    hear([]);
    vi.advanceTimersByTime(500);
    hear([]);
    vi.advanceTimersByTime(400);
    expect(wayOf()).toBe('namespace: a packet socket listens on every device');
    vi.advanceTimersByTime(100);
    expect(wayOf()).toBe(fast);
    expect(changes).toBe(2);
  });

  it('does not flap with captures that come and go', () => {
    for (let times = 0; times < 20; ++times) {
      hear(times % 2 === 0 ? [capture] : []);
      vi.advanceTimersByTime(200);
    }
    expect(changes).toBe(1);
  });

  it('finds what it could not hear of when it looks at everything', () => {
    r1().now = { ...empty, xtables: ['filter'] };
    watch.look();
    expect(wayOf()).toBe('namespace: iptables table filter is not ours');
    expect(changes).toBe(1);
  });

  it('lets go of the namespace before it is removed', () => {
    const closed = r1();
    hear([capture]);
    hear([]);
    const { looked } = closed;
    watch.forget('qrouter-r1');
    expect(closed.isOpen).toBe(false);
    vi.advanceTimersByTime(5000);
    closed.heard();
    expect(closed.looked).toBe(looked);
  });
});

describe('a router that cannot be watched', () => {
  it('takes its namespace, and says why', () => {
    watch.forget('qrouter-r1');
    refusal = new Error('EMFILE: too many open files');
    watch.watch('qrouter-r1');
    expect(wayOf()).toBe('namespace: its namespace cannot be watched: EMFILE: too many open files');
  });

  it('does so from the moment that it cannot be looked into', () => {
    r1().failure = new Error('ENOMEM');
    hear([]);
    expect(wayOf()).toBe('namespace: its namespace cannot be watched: ENOMEM');
    expect(r1().isOpen).toBe(false);
    expect(changes).toBe(1);
  });

  it('is tried again by the next look', () => {
    r1().failure = new Error('ENOMEM');
    hear([]);
    refusal = new Error('EMFILE: too many open files');
    watch.look();
    expect(wayOf()).toBe('namespace: its namespace cannot be watched: EMFILE: too many open files');
    expect(changes).toBe(1);
    refusal = undefined;
    watch.look();
    expect(wayOf()).toBe(fast);
    expect(changes).toBe(2);
  });

  it('is tried again when it is built again', () => {
    r1().failure = new Error('ENOMEM');
    hear([]);
    watch.watch('qrouter-r1');
    expect(wayOf()).toBe(fast);
  });
});

describe('the mode', () => {
  it('of the topology decides, whatever is inside', () => {
    hear([capture]);
    expect(wayOf('fast')).toBe('fast: routing is fast');
    expect(wayOf('namespace')).toBe('namespace: routing is namespace');
  });

  it('of this process decides over the topology', () => {
    watch.close();
    watch = watchWith('namespace');
    expect(wayOf('fast')).toBe('namespace: routing is namespace');
  });
});
