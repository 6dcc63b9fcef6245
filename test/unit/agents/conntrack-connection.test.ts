import { describe, expect, it } from 'vitest';
import { goneLine, isLine, keyOf, kMaxLineBytes, parseLine, type Connection } from '../../../src/agents/snat/conntrack-connection.js';

const snat: Connection = {
  protocol: 'tcp', timeoutS: 431_999, assured: true, state: 'ESTABLISHED',
  original: { source: '0a010002', destination: 'cb00710a', sourcePort: 34826, destinationPort: 5001 },
  reply: { source: 'cb00710a', destination: 'cb007114', sourcePort: 5001, destinationPort: 5825 },
};
const line = '+ tcp 431999 assured ESTABLISHED 0a010002 cb00710a 34826 5001 cb00710a cb007114 5001 5825';
const six = '20010db8000000000000000000000001';

describe('the lines network nodes tell each other of connections in', () => {
  it.each<readonly [string, string, Connection]>([
    ['TCP that goes on', line, snat],
    ['TCP of which one end has said its last word', line.replace('ESTABLISHED', 'CLOSE_WAIT'), { ...snat, state: 'CLOSE_WAIT' }],
    ['UDP', line.replace('tcp', 'udp').replace('ESTABLISHED', '-'), (({ state: _, ...rest }) => ({ ...rest, protocol: 'udp' }))(snat)],
    ['IPv6', line.replaceAll(/\b[0-9a-f]{8}\b/g, six), {
      ...snat, original: { ...snat.original, source: six, destination: six }, reply: { ...snat.reply, source: six, destination: six },
    }],
  ])('are read as they are written: %s', (_what, written, connection) => {
    expect(isLine(connection)).toBe(written);
    expect(parseLine(written)).toEqual({ kind: 'is', connection });
  });

  it('name a connection that has gone by its protocol and original tuple', () => {
    expect(goneLine(keyOf(snat))).toBe('- tcp 0a010002 cb00710a 34826 5001');
    expect(parseLine(goneLine(keyOf(snat)))).toEqual({ kind: 'gone', id: { protocol: 'tcp', original: snat.original } });
  });

  it('are short enough for their bound, the longest too', () => {
    const longest = { ...snat.original, source: six, destination: six, sourcePort: 65_535, destinationPort: 65_535 };
    expect(isLine({ ...snat, timeoutS: 9_999_999, original: longest, reply: longest }).length).toBeLessThan(kMaxLineBytes);
  });

  it.each([
    ['nothing', ''], ['a word too many', `${line} -F`], ['a word too few', line.slice(0, -5)], ['an option', line.replace('5825', '--flush')],
    ['another command', line.replace('+', '*')], ['another protocol', line.replace('tcp', 'icmp')], ['another state', line.replace('ESTABLISHED', 'SYN_SENT')],
    ['TCP without a state', line.replace('ESTABLISHED', '-')], ['UDP with one', line.replace('tcp', 'udp')],
    ['a port that is none', line.replace('5825', '65536')], ['a port with a zero before it', line.replace('5825', '05825')],
    ['a sign', line.replace('431999', '-1')], ['no time', line.replace('431999', '0')], ['more time than there is', line.replace('431999', '10000000')],
    ['an address of another length', line.replace('0a010002', '0a0100')], ['addresses of two families', line.replace('0a010002', six)],
    ['tuples of two families', line.replace('0a010002 cb00710a', `${six} ${six}`)], ['capitals', line.toUpperCase()],
    ['two blanks', line.replace(' tcp', '  tcp')], ['an end of line inside', `${line}\n${line}`], ['more than fits', line + ' '.repeat(kMaxLineBytes)],
    ['a gone one with too many words', `- ${line.slice(2)}`], ['a gone one of two families', `- tcp 0a010002 ${six} 1 2`],
  ])('are refused for %s', (_what, wrong) => {
    expect(parseLine(wrong)).toBeUndefined();
  });
});
