import { describe, expect, it } from 'vitest';
import {
  age, kEventsPerSecond, kFreshMs, kMaxLearned, kStaleMs, learn, learnedRows, learnRules, nothingLearned, rowsDiffer,
  type Learned, type LearnedEvent,
} from '../../../src/agents/l2/learned.js';
import { cn1, ids, mac, red, withNetwork } from './picture.js';

const leaf = '172.16.0.99';
const view = withNetwork({ ...cn1, peers: [...cn1.peers, { name: 'leaf1', vtepIp: leaf, interop: true }] },
  { ...red, floodVteps: [...red.floodVteps, leaf] });
const rules = learnRules(view, ids);
const heard = (source: string, vtep = leaf, localVlan = 1): LearnedEvent => ({ event: 'learned', localVlan, mac: source, vtep });
const stranger = '02:00:00:00:00:01';
const strangers = (count: number): LearnedEvent[] => Array.from({ length: count }, (_, at) =>
  heard(`02:00:00:${[at >> 16, at >> 8, at].map((byte) => (byte & 255).toString(16).padStart(2, '0')).join(':')}`));

describe('learning behind interop VTEPs', () => {
  it('makes a row for a MAC heard behind one', () => {
    expect(learnedRows(learn(nothingLearned, [heard(stranger)], rules, 0), ids)).toEqual([
      { table: 'ucast_to_tun', key: { local_vlan: 1, mac: stranger }, value: { vtep: leaf, learned: true, stale: false } },
    ]);
  });

  it('never learns a DVR MAC, a router\'s, or one that L2 population knows', () => {
    const events = [mac.cn1, mac.cn2, mac.redGateway, mac.vm1, mac.vm3].map((known) => heard(known));
    expect(learn(nothingLearned, events, rules, 0).macs.size).toBe(0);
  });

  it('learns from no VTEP that is not interop, and not in a network it takes no part in', () => {
    expect(learn(nothingLearned, [heard(stranger, '172.16.0.12'), heard(stranger, leaf, 2)], rules, 0).macs.size).toBe(0);
  });

  it('keeps the row of a busy host for ever: at 300 s it is stale, and fresh again when it is heard', () => {
    let learned = learn(nothingLearned, [heard(stranger)], rules, 0);
    for (const nowMs of [kFreshMs, 2 * kFreshMs + 1000]) {
      expect(learnedRows(age(learned, rules, nowMs - 1), ids)).toMatchObject([{ value: { stale: false } }]);
      learned = age(learned, rules, nowMs);
      expect(learnedRows(learned, ids)).toMatchObject([{ value: { vtep: leaf, stale: true } }]);
      learned = learn(learned, [heard(stranger)], rules, nowMs + 1000);
      expect(learnedRows(learned, ids)).toMatchObject([{ value: { vtep: leaf, stale: false } }]);
    }
  });

  it('forgets a stale row that is not heard for 60 s, however late it became stale', () => {
    const late = 2 * kFreshMs;
    const stale = age(learn(nothingLearned, [heard(stranger)], rules, 0), rules, late);
    expect(age(stale, rules, late + kStaleMs - 1).macs.size).toBe(1);
    expect(age(stale, rules, late + kStaleMs).macs.size).toBe(0);
  });

  it('forgets at once when the view knows better', () => {
    expect(age(learn(nothingLearned, [heard(stranger)], rules, 0), learnRules(cn1, ids), 1).macs.size).toBe(0);
  });

  it('says when rows become others, and only then', () => {
    const learned = learn(nothingLearned, [heard(stranger)], rules, 0);
    expect(rowsDiffer(nothingLearned, learned)).toBe(true);
    expect(rowsDiffer(learned, learn(learned, [heard(stranger)], rules, 1000))).toBe(false);
    expect(rowsDiffer(learned, age(learned, rules, 1000))).toBe(false);
    const stale = age(learned, rules, kFreshMs);
    expect([rowsDiffer(learned, stale), rowsDiffer(stale, age(stale, rules, 2 * kFreshMs))]).toEqual([true, true]);
  });

  it('counts no event of a host it has just heard, so that a busy one leaves room for the others', () => {
    const burst = Array.from({ length: kEventsPerSecond * 2 }, () => heard(stranger));
    expect(learn(nothingLearned, [...burst, heard('02:00:00:00:00:02')], rules, 0).macs.size).toBe(2);
  });

  it('counts no more events a second than its bound', () => {
    const once = learn(nothingLearned, strangers(kEventsPerSecond + 10), rules, 1000);
    expect(once.macs.size).toBe(kEventsPerSecond);
    expect(learn(once, strangers(kEventsPerSecond + 10).reverse(), rules, 1000).macs.size).toBe(kEventsPerSecond);
  });

  it('learns nothing new when full', () => {
    let learned: Learned = nothingLearned;
    for (let second = 1; second <= 40; ++second) {
      learned = learn(learned, strangers(second * kEventsPerSecond).slice(-kEventsPerSecond), rules, second * 1000);
    }
    expect(learned.macs.size).toBe(kMaxLearned);
  });

  it('follows a network to another local VLAN', () => {
    const learned = learn(nothingLearned, [heard(stranger)], rules, 0);
    expect(learnedRows(learned, { ...ids, localVlans: { red: 9 } })).toMatchObject([{ key: { local_vlan: 9 } }]);
  });
});
