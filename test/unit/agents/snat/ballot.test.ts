import { describe, expect, it } from 'vitest';
import { datagrams, readDatagram, type Ballot } from '../../../../src/agents/snat/ballot.js';

const ask: Ballot = { type: 'ask', router: 'r1', from: 'nn1', active: true, term: 3, sentMs: 1234.5 };
const vote: Ballot = { type: 'vote', router: 'r1', from: 'cn1', choice: 'nn1', term: 3, sentMs: 1234.5 };
const release: Ballot = { type: 'release', router: 'r1', from: 'nn1' };

describe('a ballot', () => {
  it('is read as it was written, many in few datagrams that fit any underlay', () => {
    expect(readDatagram(datagrams([ask, vote, release])[0] ?? Buffer.alloc(0))).toEqual([ask, vote, release]);
    const many = Array.from({ length: 100 }, (_, at): Ballot => ({ ...ask, router: `r${String(at)}` }));
    const sent = datagrams(many);
    expect(sent.flatMap(readDatagram)).toEqual(many);
    expect(sent.length).toBeLessThan(15);
    expect(Math.max(...sent.map(({ length }) => length))).toBeLessThanOrEqual(1200);
  });

  it.each([
    ['no JSON', '{'], ['no object', '7'], ['another kind', '{"type":"oath","router":"r1","from":"nn1"}'],
    ['no router', '{"type":"release","from":"nn1"}'], ['a router that is no name', '{"type":"release","router":"../r1","from":"nn1"}'],
    ['a term that is no count', JSON.stringify({ ...ask, term: -1 })], ['a time that is none', JSON.stringify({ ...ask, sentMs: '0' })],
    ['a choice that is no name', JSON.stringify({ ...vote, choice: 'a b' })], ['no word on whether it is at work', JSON.stringify({ ...ask, active: 1 })],
  ])('with %s is none, and those beside it count', (_what, line) => {
    expect(readDatagram(Buffer.from(`${line}\n${JSON.stringify(vote)}`))).toEqual([vote]);
  });

  it('in a datagram larger than any of ours is none', () => {
    expect(readDatagram(Buffer.from(`${JSON.stringify(vote)}\n`.repeat(50)))).toEqual([]);
  });
});
