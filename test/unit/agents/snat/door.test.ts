/** Agent and SNAT agent, over the real socket: either may come first, go, and come back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkToSnat, openDoor, type Door, type SnatLink } from '../../../../src/agents/snat/door.js';
import type { Winners } from '../../../../src/model/elected.js';
import type { SnatWish } from '../../../../src/agents/snat/wish.js';

const wish: SnatWish = {
  node: 'cn1', vtepIp: '172.16.0.11', peers: {}, entries: [{ router: 'r1', candidates: ['nn1', 'nn2'], voters: [], listeners: [] }],
};

let folder: string;
let path: string;
let winners: Winners;
let wishes: SnatWish[];
let heard: Winners[];
const open: { close(): void }[] = [];
const door = async (): Promise<Door> => {
  const made = await openDoor(path, (one) => { wishes.push(one); }, () => winners);
  open.push(made);
  return made;
};
const link = (log = vi.fn()): SnatLink => {
  const made = linkToSnat(path, (one) => { heard.push(one); }, log);
  open.push(made);
  return made;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-door-'));
  path = join(folder, 'cn1', 'snat.sock');
  winners = {};
  wishes = [];
  heard = [];
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the door between agent and SNAT agent', () => {
  it('lets the wish in and the winners out, at once and on every change', async () => {
    winners = { r1: 'nn1' };
    const inside = await door();
    link().want(wish);
    await vi.waitFor(() => { expect([wishes, heard]).toEqual([[wish], [{ r1: 'nn1' }]]); });
    winners = { r1: 'nn2' };
    inside.tell();
    await vi.waitFor(() => { expect(heard.at(-1)).toEqual({ r1: 'nn2' }); });
  });

  it('is found when it opens later, and again when it was closed', async () => {
    const log = vi.fn();
    link(log).want(wish);
    await vi.waitFor(() => { expect(log).toHaveBeenCalledOnce(); });
    const first = await door();
    await vi.waitFor(() => { expect(wishes).toEqual([wish]); });
    first.close();
    await door();
    await vi.waitFor(() => { expect(wishes).toEqual([wish, wish]); });
  });

  it('is not looked for where nobody is elected', async () => {
    const log = vi.fn();
    link(log).want({ ...wish, entries: [] });
    await new Promise((done) => { setTimeout(done, 50); });
    expect(log).not.toHaveBeenCalled();
  });
});
