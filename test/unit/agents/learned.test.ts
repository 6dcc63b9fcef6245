import { describe, expect, it } from 'vitest';
import {
  forget, kEventsPerSecond, kForgetMs, kMaxLearned, learn, learnedRows, learnRules, nothingLearned, type Learned, type LearnedEvent,
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

  it('forgets after 300 s, and at once when the view knows better', () => {
    const learned = learn(nothingLearned, [heard(stranger)], rules, 0);
    expect(forget(learned, rules, kForgetMs - 1).macs.size).toBe(1);
    expect(forget(learned, rules, kForgetMs).macs.size).toBe(0);
    expect(forget(learned, learnRules(cn1, ids), 1).macs.size).toBe(0);
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
