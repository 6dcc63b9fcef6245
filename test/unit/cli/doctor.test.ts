import { describe, expect, it } from 'vitest';
import { clockFinding, doctorText, exitCodeOf, statusFindings, type NodeFinding } from '../../../src/cli/doctor.js';
import { fail, ok, warn } from '../../../src/model/finding.js';
import type { NodeStatus } from '../../../src/controller/status.js';

const at = (where: string, finding: ReturnType<typeof ok>): NodeFinding => ({ where, ...finding });
const well = at('cn1', ok('mtu', 'eth0 is wide enough'));
const odd = at('cn2', warn('leftovers', 'namespace snat-r9 is nobody\'s', 'ip netns del snat-r9'));
const broken = at('nn1', fail('mtu', 'eth0 is too narrow', 'ip link set eth0 mtu 1600'));

describe('dvr doctor', () => {
  it('ends with the code of the worst that it found', () => {
    expect([[well], [well, odd], [odd, broken, well]].map(exitCodeOf)).toEqual([0, 6, 7]);
  });

  it('tells the worst first, with what to do, and counts what is well', () => {
    expect(doctorText([well, odd, broken], false).split('\n')).toEqual([
      'fail  nn1  mtu        eth0 is too narrow',
      '                        ip link set eth0 mtu 1600',
      'warn  cn2  leftovers  namespace snat-r9 is nobody\'s',
      '                        ip netns del snat-r9',
      '1 checks are well, 1 deserve a look, 1 fail',
    ]);
    expect(doctorText([well], true)).toBe('ok  cn1  mtu  eth0 is wide enough\n1 checks are well, 0 deserve a look, 0 fail');
    expect(doctorText([well], false)).toBe('1 checks are well, 0 deserve a look, 0 fail');
  });

  it.each([
    [{ nodeMs: 5_000, askedMs: 4_000, answeredMs: 6_000 }, 'ok', 'this machine\'s, as far as can be told'],
    [{ nodeMs: 6_900, askedMs: 4_000, answeredMs: 6_000 }, 'ok', '0.9 s ahead of'],
    [{ nodeMs: 9_000, askedMs: 4_000, answeredMs: 6_000 }, 'warn', '3 s ahead of'],
    [{ nodeMs: 1_500, askedMs: 4_000, answeredMs: 6_000 }, 'warn', '2.5 s behind'],
  ])('takes a clock for wrong only by as much as it surely is: %j', (clock, level, words) => {
    expect(clockFinding(clock)).toMatchObject({ check: 'clock', level, what: expect.stringContaining(words) as unknown });
  });

  it('repeats what the node reports to be wrong, and that it is behind', () => {
    const status = { errors: [{ code: 'DVR_SCRIPT_FAILED', message: 'no room' }], generation: 3, viewGeneration: 4 };
    expect(statusFindings(status as unknown as NodeStatus)).toMatchObject([
      { level: 'fail', what: 'no room (DVR_SCRIPT_FAILED)' }, { level: 'warn', what: 'generation 3 of 4 is applied' },
    ]);
  });
});
