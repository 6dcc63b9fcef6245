import { defineConfig } from 'vitest/config';

const serial = { pool: 'forks', maxWorkers: 1, fileParallelism: false } as const;

const lab = { ...serial, testTimeout: 60_000, hookTimeout: 120_000 };
const system = { ...serial, testTimeout: 180_000, hookTimeout: 180_000 };
/** Leases of 0.6 s want a machine to themselves, as the tests of restarts do: these run in their ring. */
const timed = ['test/netns/fail-over.test.ts', 'test/netns/fail-over-inward.test.ts'];
/** Clients, stores and histories: they wait for answers, and no figure of theirs depends on how long those take. */
const control = ['controllers', 'crash-points', 'etcd', 'openstack', 'random-histories', 'short-commands', 'three-controllers']
  .map((name) => `test/system/${name}.test.ts`);
/** What must hold whichever way routed packets take. */
const routed = ['arp', 'east-west', 'floating-ip', 'mac-isolation', 'mtu', 'north-south', 'routing', 'router-advertisements', 'spoofing']
  .map((name) => `test/netns/${name}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/tidy.test.ts'], pool: 'threads', maxWorkers: 2, testTimeout: 30_000 } },
      { test: { name: 'walks', include: ['test/walks/**/*.test.ts'], ...serial } },
      { test: { name: 'netns', include: ['test/netns/**/*.test.ts'], exclude: timed, ...lab } },
      { test: { name: 'netns-fast', include: routed, env: { DVR_ROUTING: 'fast' }, ...lab } },
      { test: { name: 'netns-namespace', include: routed, env: { DVR_ROUTING: 'namespace' }, ...lab } },
      { test: { name: 'control', include: control, ...system } },
      { test: { name: 'system', include: ['test/system/**/*.test.ts', ...timed], exclude: control, ...system } },
    ],
  },
});
