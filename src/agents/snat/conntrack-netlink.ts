/**
 * The kernel's connection tracking in its own words (ctnetlink): requests out of connections, and changes out
 * of what it says. Pure. linux/netlink.h, linux/netfilter/nfnetlink_conntrack.h.
 *
 *   message   length u32 | type u16 | flags u16 | sequence u32 | port u32 | family u8 | 0 | 0 u16 | attributes
 *   attribute length u16 | type u16 | value, padded to 4 bytes
 *
 * Headers are in the machine's byte order, which is little-endian wherever the fast path is built; values
 * are big-endian.
 */
import type { CarryingState, Change, Connection, ConnectionId, Protocol, Tuple } from './conntrack-connection.js';
import { carryingStates, kMostTimeoutS } from './conntrack-connection.js';

/** Multicast groups: a connection is new, has changed, has gone. */
export const conntrackGroups = [1, 2, 3] as const;

const kMessageHeaderBytes = 16;
const kHeaderBytes = kMessageHeaderBytes + 4;
const kAttributeHeaderBytes = 4;
const kErrorType = 2;
const kDoneType = 3;
/** Subsystem 1. */
const types = { put: 0x100, get: 0x101, remove: 0x102 } as const;
const flags = { request: 0x1, dump: 0x300, exclusive: 0x200, create: 0x400 } as const;
const families = { v4: 2, v6: 10 } as const;

const protocols = { tcp: 6, udp: 17 } as const satisfies Record<Protocol, number>;
/** As the kernel numbers them (enum tcp_conntrack). */
const states: Record<CarryingState, number> = { ESTABLISHED: 3, FIN_WAIT: 4, CLOSE_WAIT: 5 };
const stateOfNumber = new Map<number, CarryingState>(carryingStates.map((state) => [states[state], state]));
const kFirstClosingState = 6;

const statusBits = { seenReply: 2, assured: 4, confirmed: 8 } as const;
/** IP_CT_TCP_FLAG_BE_LIBERAL: sequence numbers that this node has not seen are no reason to call a packet invalid. */
const kLiberal = 0x08;

const attributes = {
  original: 1, reply: 2, status: 3, protocolInfo: 4, natSource: 6, timeout: 7, natDestination: 13,
  tuple: { addresses: 1, protocol: 2, v4: [1, 2], v6: [3, 4], number: 1, sourcePort: 2, destinationPort: 3 },
  tcp: { info: 1, state: 1, flags: [4, 5] },
  nat: { v4: [1, 2], v6: [4, 5], protocol: 3, ports: [1, 2] },
} as const;

// Requests.

/** Makes it, with its NAT. Where there is one of its tuple already, the kernel answers EEXIST and leaves that. */
export function createMessage(connection: Connection, sequence: number): Buffer {
  const { original, reply } = connection;
  // The kernel is given the answer as it was before NAT, and what NAT is to do: only so does it note that it did.
  const source = { address: reply.destination, port: reply.destinationPort };
  const destination = { address: reply.source, port: reply.sourcePort };
  return message(types.put, flags.request | flags.create | flags.exclusive, sequence, original, [
    tuple(attributes.original, connection.protocol, original),
    tuple(attributes.reply, connection.protocol, turned(original)),
    ...(isOf(source, original.source, original.sourcePort) ? [] : [nat(attributes.natSource, source)]),
    ...(isOf(destination, original.destination, original.destinationPort) ? [] : [nat(attributes.natDestination, destination)]),
    ...contents(connection),
  ]);
}

/** Sets the timeout and state of the one that is there. */
export const updateMessage = (connection: Connection, sequence: number): Buffer =>
  message(types.put, flags.request, sequence, connection.original, [
    tuple(attributes.original, connection.protocol, connection.original), ...contents(connection),
  ]);

export const removeMessage = ({ protocol, original }: ConnectionId, sequence: number): Buffer =>
  message(types.remove, flags.request, sequence, original, [tuple(attributes.original, protocol, original)]);

/** Asks for all of both families. */
export const dumpMessage = (): Buffer => message(types.get, flags.request | flags.dump, 0, undefined, []);

function message(type: number, flag: number, sequence: number, about: Tuple | undefined, parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(kHeaderBytes);
  const all = Buffer.concat([header, ...parts]);
  all.writeUInt32LE(all.length, 0);
  all.writeUInt16LE(type, 4);
  all.writeUInt16LE(flag, 6);
  all.writeUInt32LE(sequence, 8);
  all.writeUInt8(about === undefined ? 0 : families[familyOf(about.source)], kMessageHeaderBytes);
  return all;
}

const padded = (bytes: number): number => (bytes + 3) & ~3;

function attribute(type: number, value: Uint8Array): Buffer {
  const whole = Buffer.alloc(padded(kAttributeHeaderBytes + value.length));
  whole.writeUInt16LE(kAttributeHeaderBytes + value.length, 0);
  whole.writeUInt16LE(type, 2);
  whole.set(value, kAttributeHeaderBytes);
  return whole;
}
const kNested = 0x8000;
const nested = (type: number, parts: readonly Buffer[]): Buffer => attribute(type | kNested, Buffer.concat(parts));

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

type Family = keyof typeof families;
const familyOf = (address: string): Family => (address.length === 8 ? 'v4' : 'v6');

function tuple(type: number, protocol: Protocol, { source, destination, sourcePort, destinationPort }: Tuple): Buffer {
  const { addresses, protocol: ofProtocol, number, sourcePort: from, destinationPort: to, ...ofFamily } = attributes.tuple;
  const [sourceType, destinationType] = ofFamily[familyOf(source)];
  return nested(type, [
    nested(addresses, [attribute(sourceType, Buffer.from(source, 'hex')), attribute(destinationType, Buffer.from(destination, 'hex'))]),
    nested(ofProtocol, [
      attribute(number, Uint8Array.of(protocols[protocol])), attribute(from, u16(sourcePort)), attribute(to, u16(destinationPort)),
    ]),
  ]);
}

const turned = ({ source, destination, sourcePort, destinationPort }: Tuple): Tuple =>
  ({ source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort });

interface End { readonly address: string; readonly port: number }
const isOf = (end: End, address: string, port: number): boolean => end.address === address && end.port === port;

/** Exactly this address and port: where they are taken the kernel refuses, and chooses no others. */
function nat(type: number, { address, port }: End): Buffer {
  const addressBytes = Buffer.from(address, 'hex');
  return nested(type, [
    ...attributes.nat[familyOf(address)].map((bound) => attribute(bound, addressBytes)),
    nested(attributes.nat.protocol, attributes.nat.ports.map((bound) => attribute(bound, u16(port)))),
  ]);
}

function contents({ timeoutS, assured, state }: Connection): Buffer[] {
  const status = statusBits.confirmed | statusBits.seenReply | (assured ? statusBits.assured : 0);
  const common = [attribute(attributes.status, u32(status)), attribute(attributes.timeout, u32(timeoutS))];
  if (state === undefined) return common;
  const { info, state: stateType, flags: flagTypes } = attributes.tcp;
  const tcp = [
    attribute(stateType, Uint8Array.of(states[state])),
    // The flags, and which of them are to be set.
    ...flagTypes.map((type) => attribute(type, Uint8Array.of(kLiberal, kLiberal))),
  ];
  return [...common, nested(attributes.protocolInfo, [nested(info, tcp)])];
}

// What the kernel says.

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
  const found = attributesOf(bytes, from, to);
  const original = readTuple(bytes, found.get(attributes.original));
  if (original === undefined) return undefined;
  const gone = { kind: 'gone', id: { protocol: original.protocol, original: original.tuple } } as const;
  if (removed) return gone;
  const reply = readTuple(bytes, found.get(attributes.reply))?.tuple;
  const timeoutS = Math.min(readU32(bytes, found.get(attributes.timeout)) ?? 0, kMostTimeoutS);
  const assured = ((readU32(bytes, found.get(attributes.status)) ?? 0) & statusBits.assured) !== 0;
  if (reply === undefined || timeoutS === 0) return undefined;
  const common = { ...gone.id, reply, timeoutS, assured };
  if (original.protocol === 'udp') return assured ? { kind: 'is', connection: common } : undefined;
  const number = readTcpState(bytes, found.get(attributes.protocolInfo)) ?? 0;
  if (number >= kFirstClosingState) return gone;
  const state = stateOfNumber.get(number);
  return state === undefined ? undefined : { kind: 'is', connection: { ...common, state } };
}

/** Where a value stands. */
interface Span { readonly from: number; readonly to: number }

function attributesOf(bytes: Buffer, from: number, to: number): Map<number, Span> {
  const found = new Map<number, Span>();
  for (let at = from; at + kAttributeHeaderBytes <= to;) {
    const length = bytes.readUInt16LE(at);
    if (length < kAttributeHeaderBytes || at + length > to) break;
    found.set(bytes.readUInt16LE(at + 2) & 0x3fff, { from: at + kAttributeHeaderBytes, to: at + length });
    at += padded(length);
  }
  return found;
}

const inside = (bytes: Buffer, span: Span | undefined): Map<number, Span> =>
  span === undefined ? new Map() : attributesOf(bytes, span.from, span.to);
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
  const names = attributes.tuple;
  const parts = inside(bytes, span);
  const ofProtocol = inside(bytes, parts.get(names.protocol));
  const number = readU8(bytes, ofProtocol.get(names.number));
  const protocol = number === protocols.tcp ? 'tcp' : number === protocols.udp ? 'udp' : undefined;
  const addresses = inside(bytes, parts.get(names.addresses));
  const source = readHex(bytes, addresses.get(names.v4[0]) ?? addresses.get(names.v6[0]));
  const destination = readHex(bytes, addresses.get(names.v4[1]) ?? addresses.get(names.v6[1]));
  const sourcePort = readU16(bytes, ofProtocol.get(names.sourcePort));
  const destinationPort = readU16(bytes, ofProtocol.get(names.destinationPort));
  if (protocol === undefined || source === undefined || destination === undefined) return undefined;
  if (sourcePort === undefined || destinationPort === undefined) return undefined;
  return { protocol, tuple: { source, destination, sourcePort, destinationPort } };
}

const readTcpState = (bytes: Buffer, span: Span | undefined): number | undefined =>
  readU8(bytes, inside(bytes, inside(bytes, span).get(attributes.tcp.info)).get(attributes.tcp.state));
