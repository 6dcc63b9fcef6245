import { beforeEach, describe, expect, it } from 'vitest';
import { kRoundMs } from '../../../../src/agents/snat/ballot.js';
import { GatewayProof, kProofMs, type OpenEcho } from '../../../../src/agents/snat/gateway-proof.js';

let nowMs = 0;
/** By namespace: what answers there, and how often a socket was made. */
let answers: Set<string>;
let opened: string[];
let closed: number;
let sent: number;

const open: OpenEcho = ({ netns }, heard) => {
  opened.push(netns);
  if (netns === 'missing') return Promise.reject(new Error('no such namespace'));
  return Promise.resolve({ send: (sequence) => { ++sent; if (answers.has(netns)) heard(sequence); }, close: () => { closed += 1; } });
};

async function asked(proof: GatewayProof, netns: string, rounds: number, everyRounds = 1): Promise<boolean> {
  for (let round = 0; round < rounds; ++round) {
    proof.ask(netns, everyRounds);
    for (let turn = 0; turn < 4; ++turn) await Promise.resolve();
    nowMs += kRoundMs;
  }
  return proof.isProved();
}

beforeEach(() => {
  nowMs = 1000;
  answers = new Set(['standby', 'snat']);
  opened = [];
  closed = 0;
  sent = 0;
});

describe('the proof of a gateway', () => {
  const proofOf = (): GatewayProof => new GatewayProof('203.0.113.1', () => nowMs, open);

  it('is there while answers come, and ends soon after the last', async () => {
    const proof = proofOf();
    expect(await asked(proof, 'standby', 10)).toBe(true);
    expect(opened).toEqual(['standby']);
    answers.clear();
    expect(await asked(proof, 'standby', 1)).toBe(true);
    nowMs += kProofMs;
    expect(proof.isProved()).toBe(false);
  });

  it('is asked for as seldom as wanted while there is one, and each round while there is none', async () => {
    const proof = proofOf();
    expect(await asked(proof, 'standby', 40, 4)).toBe(true);
    expect(sent).toBe(10);
    answers.clear();
    expect(await asked(proof, 'standby', 1, 4)).toBe(true);
    expect(await asked(proof, 'standby', 2, 4)).toBe(false);
    const before = sent;
    await asked(proof, 'standby', 4, 4);
    expect(sent - before).toBeGreaterThan(2);
    answers.add('standby');
    expect(await asked(proof, 'standby', 1, 4)).toBe(true);
  });

  it('stands while a single answer is lost, also where it is seldom asked for', async () => {
    const proof = proofOf();
    for (let turn = 0; turn < 10; ++turn) {
      expect(await asked(proof, 'standby', 4, 4)).toBe(true);
      answers.clear();
      expect(await asked(proof, 'standby', 1, 4)).toBe(true);
      answers.add('standby');
      expect(await asked(proof, 'standby', 1, 4)).toBe(true);
      await asked(proof, 'standby', 3, 4);
    }
  });

  it('of who has won just as its last one ended counts at work until the new way had time to answer', async () => {
    const proof = proofOf();
    await asked(proof, 'standby', 1, 4);
    answers.clear();
    while (proof.isProved()) await asked(proof, 'standby', 1, 4);
    answers.add('snat');
    proof.ask('snat', 1);
    expect(proof.isProved()).toBe(true);
    expect(await asked(proof, 'snat', 8)).toBe(true);
  });

  it('goes over to another namespace with time for the first answer there', async () => {
    const proof = proofOf();
    await asked(proof, 'standby', 3);
    answers.delete('snat');
    expect(await asked(proof, 'snat', 2)).toBe(true);
    expect(await asked(proof, 'snat', 5)).toBe(false);
    expect(closed).toBeGreaterThan(0);
  });

  it('is asked for by a new socket now and then while there is none: the namespace may have been made anew', async () => {
    const proof = proofOf();
    answers.clear();
    expect(await asked(proof, 'standby', 21)).toBe(false);
    expect(opened.length).toBeGreaterThan(3);
    expect(opened.length).toBeLessThan(7);
    answers.add('standby');
    expect(await asked(proof, 'standby', 2)).toBe(true);
  });

  it('waits for a namespace that is not there yet', async () => {
    const proof = proofOf();
    expect(await asked(proof, 'missing', 7)).toBe(false);
    expect(await asked(proof, 'snat', 2)).toBe(true);
  });
});
