import { describe, expect, it } from 'vitest';
import { kLeaseMs, kRoundMs } from '../../../../src/agents/snat/ballot.js';
import { SimulatedCloud } from './simulated-cloud.js';

const kNodes = ['cn1', 'cn2', 'nn1', 'nn2'];
/** What is left of a second for rows and announcements. */
const kSwitchMs = kLeaseMs + kRoundMs;

async function settled(): Promise<SimulatedCloud> {
  const cloud = new SimulatedCloud(kNodes, ['nn1', 'nn2']);
  await cloud.until('nn1', 2000);
  await cloud.run(1000);
  return cloud;
}

/** Deterministic: a failure can be looked at again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

describe('the election of who does the source NAT', () => {
  it('gives it to the preferred node, and everybody learns of it', async () => {
    const cloud = await settled();
    for (const node of kNodes) expect(cloud.machine(node).winner).toBe('nn1');
    expect(cloud.doubles).toEqual([]);
  });

  it('passes it on when the node that has it dies, and not back when it returns', async () => {
    const cloud = await settled();
    cloud.kill('nn1');
    expect(await cloud.until('nn2', kSwitchMs)).toBeLessThanOrEqual(kSwitchMs);
    await cloud.run(20);
    for (const node of ['cn1', 'cn2', 'nn2']) expect(cloud.machine(node).winner).toBe('nn2');
    cloud.start('nn1');
    await cloud.run(5000);
    expect(cloud.open).toEqual(['nn2']);
    expect(cloud.machine('nn1').winner).toBe('nn2');
    expect(cloud.doubles).toEqual([]);
  });

  it('passes it on at once when the gateway is silent, which the node says itself', async () => {
    const cloud = await settled();
    cloud.machine('nn1').isFit = false;
    expect(await cloud.until('nn2', kRoundMs * 2)).toBeLessThan(kLeaseMs);
    cloud.machine('nn1').isFit = true;
    await cloud.run(5000);
    expect(cloud.open).toEqual(['nn2']);
    expect(cloud.doubles).toEqual([]);
  });

  it('leaves it where it is when only the two network nodes cannot hear each other', async () => {
    const cloud = await settled();
    cloud.passes = (from, to) => !(from.startsWith('nn') && to.startsWith('nn'));
    for (let second = 0; second < 20; ++second) {
      await cloud.run(1000);
      expect(cloud.open).toEqual(['nn1']);
    }
    expect(cloud.doubles).toEqual([]);
  });

  it('takes it from a node that hears nobody, before another gets it', async () => {
    const cloud = await settled();
    cloud.passes = (from, to) => from !== 'nn1' && to !== 'nn1';
    await cloud.until('nn2', kSwitchMs);
    cloud.passes = () => true;
    await cloud.run(5000);
    expect(cloud.open).toEqual(['nn2']);
    expect(cloud.doubles).toEqual([]);
  });

  it('leaves it where it is while any one of the others dies or restarts', async () => {
    const cloud = await settled();
    for (const other of ['cn1', 'cn2', 'nn2']) {
      cloud.kill(other);
      await cloud.run(2000);
      expect(cloud.open).toEqual(['nn1']);
      cloud.start(other);
      await cloud.run(2000);
      expect(cloud.open).toEqual(['nn1']);
    }
    expect(cloud.doubles).toEqual([]);
  });

  it('has no owner without a majority, nor where no gateway answers', async () => {
    const cloud = await settled();
    cloud.kill('cn1');
    cloud.kill('cn2');
    await cloud.run(2000);
    expect(cloud.open).toEqual([]);
    cloud.start('cn1');
    await cloud.run(3000);
    expect(cloud.open).toHaveLength(1);
    for (const node of ['nn1', 'nn2']) cloud.machine(node).isFit = false;
    await cloud.run(2000);
    expect(cloud.open).toEqual([]);
    cloud.machine('nn2').isFit = true;
    await cloud.until('nn2', 2000);
  });

  it('moves when somebody wishes it, and comes back only when the wished-for node cannot', async () => {
    const cloud = await settled();
    const wish = (...candidates: string[]): void => {
      for (const { election } of cloud.machines.values()) {
        election.setElectorate({ router: 'r1', candidates, voters: kNodes, listeners: [] }, cloud.nowMs);
      }
    };
    wish('nn2', 'nn1');
    await cloud.until('nn2', kRoundMs * 2);
    await cloud.run(5000);
    expect(cloud.open).toEqual(['nn2']);
    cloud.machine('nn1').isFit = false;
    wish('nn1', 'nn2');
    await cloud.until('nn2', 5000);
    expect(cloud.doubles).toEqual([]);
  });

  it('is not stopped for ever by votes that are split', async () => {
    const cloud = new SimulatedCloud(kNodes, ['nn1', 'nn2']);
    // Each hears the candidate of its own half only, until both have had their votes.
    cloud.passes = (from, to) => from.at(-1) === to.at(-1);
    await cloud.run(1500);
    expect(cloud.open).toEqual([]);
    cloud.passes = () => true;
    await cloud.until('nn1', 3000);
    expect(cloud.doubles).toEqual([]);
  });

  it('never has two owners, whatever is lost, late, dead or started anew, and always ends with one', async () => {
    for (let seed = 1; seed <= 25; ++seed) {
      const next = random(seed);
      const cloud = new SimulatedCloud(kNodes, ['nn1', 'nn2']);
      cloud.delayMs = () => (next() < 0.1 ? next() * 400 : next() * 10);
      for (let event = 0; event < 40; ++event) {
        const [one = '', other = ''] = [kNodes[Math.floor(next() * 4)], kNodes[Math.floor(next() * 4)]];
        const kind = next();
        if (kind < 0.2) cloud.kill(one);
        else if (kind < 0.4) cloud.start(one);
        else if (kind < 0.5) cloud.machine(one).isFit = !cloud.machine(one).isFit;
        else if (kind < 0.8) cloud.passes = (from, to) => ![`${one}${other}`, `${other}${one}`].includes(from + to) && next() > 0.1;
        else cloud.passes = () => true;
        await cloud.run(50 + next() * 700);
      }
      expect(cloud.doubles, `seed ${String(seed)}`).toEqual([]);
      cloud.passes = () => true;
      cloud.delayMs = () => 1;
      for (const node of kNodes) {
        if (!cloud.machine(node).isAlive) cloud.start(node);
        cloud.machine(node).isFit = true;
      }
      await cloud.run(6000);
      expect(cloud.open, `seed ${String(seed)}`).toHaveLength(1);
    }
  });
});
