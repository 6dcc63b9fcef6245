import { describe, expect, it } from 'vitest';
import type { Change, Connection } from '../../../src/agents/snat/conntrack-connection.js';
import { goneLine, isLine, keyOf } from '../../../src/agents/snat/conntrack-connection.js';
import { kMaxPending, kMaxShared, PendingChanges } from '../../../src/agents/snat/conntrack-pending.js';

const connection = (number: number, change: Partial<Connection> = {}): Connection => {
  const source = number.toString(16).padStart(8, '0');
  return {
    protocol: 'tcp', timeoutS: 100, assured: true, state: 'ESTABLISHED',
    original: { source, destination: 'cb00710a', sourcePort: 1, destinationPort: 80 },
    reply: { source: 'cb00710a', destination: 'cb007114', sourcePort: 80, destinationPort: 1 }, ...change,
  };
};
const is = (one: Connection): Change => ({ kind: 'is', connection: one });
const gone = (id: Connection): Change => ({ kind: 'gone', id });
const one = connection(1);
const told = (): PendingChanges => {
  const pending = new PendingChanges();
  pending.note(is(one));
  pending.take();
  return pending;
};

describe('changes that wait to be sent', () => {
  it('are the last of each connection only', () => {
    const pending = new PendingChanges();
    const closing = { ...one, state: 'FIN_WAIT' } as const;
    for (const change of [is(one), is(connection(2)), is(closing)]) pending.note(change);
    expect(pending.take()).toEqual([isLine(closing), isLine(connection(2))]);
    expect(pending.take()).toEqual([]);
  });

  it('are none for a connection that came and went, however often it is told to be gone', () => {
    const pending = new PendingChanges();
    for (const change of [is(one), gone(one), gone(one)]) pending.note(change);
    expect(pending.take()).toEqual([]);
  });

  it('tell once that a connection has gone that was told of', () => {
    const pending = told();
    for (const change of [is(one), gone(one)]) pending.note(change);
    expect(pending.take()).toEqual([goneLine(keyOf(one))]);
    pending.note(gone(one));
    expect(pending.take()).toEqual([]);
  });

  it('tell that one has gone before another is told of in its place, whose NAT may be another', () => {
    const pending = told();
    const other = connection(1, { reply: { ...one.reply, destinationPort: 9 } });
    for (const change of [gone(one), is(other)]) pending.note(change);
    expect(pending.take()).toEqual([goneLine(keyOf(one)), isLine(other)]);
  });

  it('keep what goes amid a listing for afterwards, because it may be in a part that is on its way', () => {
    const pending = new PendingChanges();
    pending.beginListing();
    pending.note(gone(one));
    expect(pending.listed(one)).toBe(isLine(one));
    pending.endListing();
    expect(pending.take()).toEqual([goneLine(keyOf(one))]);
  });

  it('are taken some at a time, in the order they came', () => {
    const pending = new PendingChanges();
    const all = Array.from({ length: 2500 }, (_, number) => connection(number));
    for (const each of all) pending.note(is(each));
    const taken: string[][] = [];
    for (let lines = pending.take(); lines.length > 0; lines = pending.take()) taken.push(lines);
    expect(taken.map(({ length }) => length)).toEqual([1024, 1024, 452]);
    expect(taken.flat()).toEqual(all.map(isLine));
  });

  it('are forgotten at their bound, which is said', () => {
    const pending = new PendingChanges();
    const first = Array.from({ length: kMaxPending }, (_, number) => pending.note(is(connection(number))));
    expect(first).not.toContain(false);
    expect(pending.note(is(connection(kMaxPending)))).toBe(false);
    expect(pending.take()).toEqual([]);
  });

  it('are of no more connections than may be shared, until one of those has gone', () => {
    const pending = new PendingChanges();
    for (let number = 0; number < kMaxShared; ++number) pending.listed(connection(number));
    const late = connection(kMaxShared);
    pending.note(is(late));
    expect(pending.take()).toEqual([]);
    pending.note(is(connection(5, { timeoutS: 7 })));
    expect(pending.take()).toHaveLength(1);
    for (const change of [gone(one), is(late)]) pending.note(change);
    expect(pending.take()).toEqual([goneLine(keyOf(one)), isLine(late)]);
  });
});
