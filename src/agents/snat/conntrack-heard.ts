/**
 * What the kernel says of tracked connections, read out of its netlink messages: only what is worth sharing, and
 * what could not be done. Pure. A message that is cut off, or none of these, says nothing.
 */
import { kMostTimeoutS, type Change, type Protocol, type Tuple } from './conntrack-connection.js';
import {
  attributes, kAttributeHeaderBytes, kDoneType, kErrorType, kFirstClosingState, kHeaderBytes, kMessageHeaderBytes, kTypeBits, padded,
  protocolOfNumber, stateOfNumber, statusBits, types,
} from './conntrack-netlink.js';

export interface Heard {
  readonly changes: readonly Change[];
  /** Requests that failed, by the number they were sent with. */
  readonly failures: readonly { readonly sequence: number; readonly errno: number }[];
  /** A dump has been told to its end. */
  readonly done: boolean;
}

/**
 * Of connections only what is worth sharing. TCP: from ESTABLISHED until both ends have said their last
 * word; before, the first packet comes again, and afterwards nothing is lost. UDP: what the kernel calls
 * assured, which has gone on for two seconds in both directions; a question and its answer are over by then.
 * Nothing else: an echo, or a packet of a protocol without ports, makes an entry just as good on any node.
 */
export function hear(messages: Uint8Array): Heard {
  const bytes = Buffer.from(messages.buffer, messages.byteOffset, messages.byteLength);
  const changes: Change[] = [];
  const failures: Heard['failures'][number][] = [];
  let done = false;
  for (let at = 0; at + kMessageHeaderBytes <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (length < kMessageHeaderBytes || at + length > bytes.length) break;
    const type = bytes.readUInt16LE(at + 4);
    if (type === kDoneType) done = true;
    if (type === kErrorType && length >= kHeaderBytes) {
      const errno = -bytes.readInt32LE(at + kMessageHeaderBytes);
      if (errno !== 0) failures.push({ sequence: bytes.readUInt32LE(at + 8), errno });
    }
    if (type === types.put || type === types.remove) {
      const change = changeOf(bytes, at + kHeaderBytes, at + length, type === types.remove);
      if (change !== undefined) changes.push(change);
    }
    at += padded(length);
  }
  return { changes, failures, done };
}

function changeOf(bytes: Buffer, from: number, to: number, removed: boolean): Change | undefined {
  const all = { from, to };
  const original = readTuple(bytes, find(bytes, all, attributes.original));
  if (original === undefined) return undefined;
  const gone = { kind: 'gone', id: { protocol: original.protocol, original: original.tuple } } as const;
  if (removed) return gone;
  const reply = readTuple(bytes, find(bytes, all, attributes.reply))?.tuple;
  const timeoutS = Math.min(readU32(bytes, find(bytes, all, attributes.timeout)) ?? 0, kMostTimeoutS);
  const assured = ((readU32(bytes, find(bytes, all, attributes.status)) ?? 0) & statusBits.assured) !== 0;
  if (reply === undefined || timeoutS === 0) return undefined;
  const common = { ...gone.id, reply, timeoutS, assured };
  if (original.protocol === 'udp') return assured ? { kind: 'is', connection: common } : undefined;
  const info = find(bytes, find(bytes, all, attributes.protocolInfo), attributes.tcp.info);
  const number = readU8(bytes, find(bytes, info, attributes.tcp.state)) ?? 0;
  if (number >= kFirstClosingState) return gone;
  const state = stateOfNumber.get(number);
  return state === undefined ? undefined : { kind: 'is', connection: { ...common, state } };
}

/** Where a value stands. */
interface Span { readonly from: number; readonly to: number }

/** The value of the first attribute of this type among those that stand there. */
function find(bytes: Buffer, among: Span | undefined, type: number): Span | undefined {
  if (among === undefined) return undefined;
  const { from, to } = among;
  for (let at = from; at + kAttributeHeaderBytes <= to;) {
    const length = bytes.readUInt16LE(at);
    if (length < kAttributeHeaderBytes || at + length > to) return undefined;
    if ((bytes.readUInt16LE(at + 2) & kTypeBits) === type) return { from: at + kAttributeHeaderBytes, to: at + length };
    at += padded(length);
  }
  return undefined;
}

const isLong = (span: Span | undefined, length: number): span is Span => span !== undefined && span.to - span.from >= length;
const readU8 = (bytes: Buffer, span: Span | undefined): number | undefined =>
  (isLong(span, 1) ? bytes.readUInt8(span.from) : undefined);
const readU16 = (bytes: Buffer, span: Span | undefined): number | undefined =>
  (isLong(span, 2) ? bytes.readUInt16BE(span.from) : undefined);
const readU32 = (bytes: Buffer, span: Span | undefined): number | undefined =>
  (isLong(span, 4) ? bytes.readUInt32BE(span.from) : undefined);
const readHex = (bytes: Buffer, span: Span | undefined): string | undefined =>
  (span === undefined ? undefined : bytes.toString('hex', span.from, span.to));

function readTuple(bytes: Buffer, span: Span | undefined): { readonly protocol: Protocol; readonly tuple: Tuple } | undefined {
  const { v4, v6, ...names } = attributes.tuple;
  const ports = find(bytes, span, names.protocol);
  const protocol = protocolOfNumber.get(readU8(bytes, find(bytes, ports, names.number)) ?? 0);
  if (protocol === undefined) return undefined;
  const addresses = find(bytes, span, names.addresses);
  const [from, to] = find(bytes, addresses, v4[0]) === undefined ? v6 : v4;
  const source = readHex(bytes, find(bytes, addresses, from));
  const destination = readHex(bytes, find(bytes, addresses, to));
  const sourcePort = readU16(bytes, find(bytes, ports, names.sourcePort));
  const destinationPort = readU16(bytes, find(bytes, ports, names.destinationPort));
  if (source === undefined || destination === undefined || sourcePort === undefined || destinationPort === undefined) return undefined;
  return { protocol, tuple: { source, destination, sourcePort, destinationPort } };
}
