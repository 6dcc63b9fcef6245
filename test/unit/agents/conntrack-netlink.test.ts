import { describe, expect, it } from 'vitest';
import { isLine, keyOf, parseLine, type Connection } from '../../../src/agents/snat/conntrack-connection.js';
import { hear } from '../../../src/agents/snat/conntrack-heard.js';
import { createMessage, dumpMessage, removeMessage, updateMessage } from '../../../src/agents/snat/conntrack-requests.js';

const of = (line: string): Connection => {
  const change = parseLine(line);
  if (change?.kind !== 'is') throw new Error(`no connection: ${line}`);
  return change.connection;
};
const snat = of('+ tcp 431999 assured ESTABLISHED 0a010002 cb00710a 34826 5001 cb00710a cb007114 5001 5825');
const fip = of('+ tcp 431999 assured ESTABLISHED cb00710a cb007165 41776 8080 0a010003 cb00710a 80 41776');
const plain = of(`+ udp 100 assured - ${'00'.repeat(16)} ${'11'.repeat(16)} 5 6 ${'11'.repeat(16)} ${'00'.repeat(16)} 6 5`);

/** The longest there is. */
const both = of(`+ tcp 100 assured CLOSE_WAIT ${'00'.repeat(16)} ${'11'.repeat(16)} 5 6 ${'22'.repeat(16)} ${'33'.repeat(16)} 7 8`);

/** Attribute types at the top, in their order. */
function typesIn(message: Buffer): number[] {
  const types: number[] = [];
  for (let at = 20; at < message.length; at += (message.readUInt16LE(at) + 3) & ~3) types.push(message.readUInt16LE(at + 2) & 0x3fff);
  return types;
}
const kNatSource = 6;
const kNatDestination = 13;
/** A request reads like what the kernel says, but for the answer, which it has as it was before NAT. */
const heard = (message: Buffer): string[] =>
  hear(message).changes.map((change) => (change.kind === 'is' ? isLine(change.connection) : `gone ${keyOf(change.id)}`));

describe('requests to connection tracking', () => {
  it.each([
    ['source NAT', snat, [kNatSource]], ['destination NAT', fip, [kNatDestination]], ['no NAT', plain, []],
    ['both, of IPv6', both, [kNatSource, kNatDestination]],
  ])('make a connection with exactly the NAT it has: %s', (_what, connection, nat) => {
    const types = typesIn(createMessage(connection, 1));
    expect(types.filter((type) => type === kNatSource || type === kNatDestination)).toEqual(nat);
  });

  it('are byte for byte what the kernel wants to be told of a connection', () => {
    expect(createMessage(snat, 7).toString('hex')).toBe([
      'd4000000' + '0001' + '0106' + '07000000' + '00000000' + '02000000',
      // CTA_TUPLE_ORIG: addresses, protocol 6, ports
      '34000180' + '14000180' + '080001000a010002' + '08000200cb00710a',
      '1c000280' + '0500010006000000' + '06000200880a0000' + '0600030013890000',
      // CTA_TUPLE_REPLY: the original turned around
      '34000280' + '14000180' + '08000100cb00710a' + '080002000a010002',
      '1c000280' + '0500010006000000' + '0600020013890000' + '06000300880a0000',
      // CTA_NAT_SRC: from 203.0.113.20:5825 to the same
      '28000680' + '08000100cb007114' + '08000200cb007114' + '14000380' + '0600010016c10000' + '0600020016c10000',
      // CTA_STATUS: seen reply, assured, confirmed; CTA_TIMEOUT
      '080003000000000e' + '080007000006977f',
      // CTA_PROTOINFO: TCP, ESTABLISHED, both ends liberal
      '20000480' + '1c000180' + '0500010003000000' + '0600040008080000' + '0600050008080000',
    ].join(''));
  });

  it('bring one up to date without a word of NAT, which the kernel would refuse', () => {
    expect(typesIn(updateMessage(snat, 1))).toEqual([1, 3, 7, 4]);
  });

  it('name the one to remove by its original tuple', () => {
    expect(heard(removeMessage(snat, 1))).toEqual([`gone ${keyOf(snat)}`]);
  });

  it('ask for all of both families', () => {
    expect(dumpMessage().toString('hex')).toBe('14000000' + '0101' + '0103' + '0000000000000000' + '00000000');
  });
});

describe('what connection tracking says', () => {
  it('is read as it is written', () => {
    expect(heard(Buffer.concat([createMessage(plain, 1), removeMessage(snat, 2)]))).toEqual([isLine(plain), `gone ${keyOf(snat)}`]);
  });

  /** The state's one byte in a message of `snat`. */
  const inState = (number: number): Buffer => {
    const message = createMessage(snat, 1);
    message.writeUInt8(number, message.indexOf('0500010003', 0, 'hex') + 4);
    return message;
  };
  it.each([
    ['SYN_SENT', 1, []], ['SYN_RECV', 2, []], ['LAST_ACK', 6, [`gone ${keyOf(snat)}`]], ['TIME_WAIT', 7, [`gone ${keyOf(snat)}`]],
    ['CLOSE', 8, [`gone ${keyOf(snat)}`]],
  ])('is of no use to another node for TCP in %s', (_state, number, expected) => {
    expect(heard(inState(number))).toEqual(expected);
  });

  it('is of use for TCP of which one end has said its last word', () => {
    expect(heard(inState(5))[0]).toContain(' CLOSE_WAIT ');
  });

  it('is of no use for a question and its answer in UDP, and for other protocols', () => {
    const asked = createMessage({ ...plain, assured: false }, 1);
    const icmp = createMessage(plain, 1);
    for (let at = icmp.indexOf('0500010011', 0, 'hex'); at >= 0; at = icmp.indexOf('0500010011', at, 'hex')) icmp.writeUInt8(1, at + 4);
    expect([...heard(asked), ...heard(icmp)]).toEqual([]);
  });

  it('tells what failed by its number, and when a listing is done', () => {
    const failure = Buffer.alloc(36);
    failure.writeUInt32LE(36, 0);
    failure.writeUInt16LE(2, 4);
    failure.writeUInt32LE(9, 8);
    failure.writeInt32LE(-17, 16);
    const done = Buffer.from('1400000003000200000000000000000000000000', 'hex');
    expect(hear(Buffer.concat([failure, done]))).toEqual({ changes: [], failures: [{ sequence: 9, errno: 17 }], done: true });
  });

  it('is nothing where it is cut off, wherever that is', () => {
    const message = createMessage(snat, 1);
    for (let length = 0; length < message.length; ++length) expect(hear(message.subarray(0, length)).changes).toEqual([]);
    for (let at = 20; at < message.length; ++at) {
      const broken = Buffer.from(message);
      broken.writeUInt8(0xff, at);
      expect(() => hear(broken)).not.toThrow();
    }
  });
});
