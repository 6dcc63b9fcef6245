/** What the kernel is asked about tracked connections: netlink messages, in the words of conntrack-netlink.ts. Pure. */
import type { Connection, ConnectionId, Protocol, Tuple } from './conntrack-connection.js';
import {
  attributes, families, flags, kAttributeHeaderBytes, kHeaderBytes, kLiberal, kMessageHeaderBytes, padded, protocols, states,
  statusBits, types,
} from './conntrack-netlink.js';

/** Makes it, with its NAT. Where there is one of its tuple already, the kernel answers EEXIST and leaves that. */
export function createMessage(connection: Connection, sequence: number): Buffer {
  const { protocol, original, reply } = connection;
  const message = new Message(types.put, flags.request | flags.create | flags.exclusive, sequence, original);
  // The kernel is given the answer as it was before NAT, and what NAT is to do: only so does it note that it did.
  message.tuple(attributes.original, protocol, original);
  message.tuple(attributes.reply, protocol, turned(original));
  if (reply.destination !== original.source || reply.destinationPort !== original.sourcePort)
    message.nat(attributes.natSource, reply.destination, reply.destinationPort);
  if (reply.source !== original.destination || reply.sourcePort !== original.destinationPort)
    message.nat(attributes.natDestination, reply.source, reply.sourcePort);
  return message.contents(connection).end();
}

/** Sets the timeout and state of the one that is there. */
export function updateMessage(connection: Connection, sequence: number): Buffer {
  const message = new Message(types.put, flags.request, sequence, connection.original);
  return message.tuple(attributes.original, connection.protocol, connection.original).contents(connection).end();
}

export const removeMessage = ({ protocol, original }: ConnectionId, sequence: number): Buffer =>
  new Message(types.remove, flags.request, sequence, original).tuple(attributes.original, protocol, original).end();

/** Asks for all of both families. */
export const dumpMessage = (): Buffer => new Message(types.get, flags.request | flags.dump, 0).end();

const turned = ({ source, destination, sourcePort, destinationPort }: Tuple): Tuple =>
  ({ source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort });

type Family = keyof typeof families;
const familyOf = (address: string): Family => (address.length === 8 ? 'v4' : 'v6');

/** Room for the longest, of IPv6 with both NATs: 348 bytes. */
const kMessageBytes = 512;
const kNested = 0x8000;

/** One message being written, in the order it is read. */
class Message {
  readonly #bytes = Buffer.alloc(kMessageBytes);
  #at = kHeaderBytes;

  constructor(type: number, flag: number, sequence: number, about?: Tuple) {
    this.#bytes.writeUInt16LE(type, 4);
    this.#bytes.writeUInt16LE(flag, 6);
    this.#bytes.writeUInt32LE(sequence, 8);
    if (about !== undefined) this.#bytes.writeUInt8(families[familyOf(about.source)], kMessageHeaderBytes);
  }

  end(): Buffer {
    this.#bytes.writeUInt32LE(this.#at, 0);
    return this.#bytes.subarray(0, this.#at);
  }

  tuple(type: number, protocol: Protocol, { source, destination, sourcePort, destinationPort }: Tuple): this {
    const names = attributes.tuple;
    const [sourceType, destinationType] = names[familyOf(source)];
    return this.#nested(type, () => {
      this.#nested(names.addresses, () => { this.#hex(sourceType, source).#hex(destinationType, destination); });
      this.#nested(names.protocol, () => {
        this.#u8(names.number, protocols[protocol]).#u16(names.sourcePort, sourcePort).#u16(names.destinationPort, destinationPort);
      });
    });
  }

  /** Exactly this address and port: where they are taken the kernel refuses, and chooses no others. */
  nat(type: number, address: string, port: number): this {
    const { protocol, ports: [least, most], ...ofFamily } = attributes.nat;
    const [first, last] = ofFamily[familyOf(address)];
    return this.#nested(type, () => {
      this.#hex(first, address).#hex(last, address);
      this.#nested(protocol, () => { this.#u16(least, port).#u16(most, port); });
    });
  }

  contents({ timeoutS, assured, state }: Connection): this {
    const status = statusBits.confirmed | statusBits.seenReply | (assured ? statusBits.assured : 0);
    this.#u32(attributes.status, status).#u32(attributes.timeout, timeoutS);
    if (state === undefined) return this;
    const { info, state: stateType, flags: flagTypes } = attributes.tcp;
    return this.#nested(attributes.protocolInfo, () => {
      this.#nested(info, () => {
        this.#u8(stateType, states[state]);
        // The flags, and which of them are to be set.
        for (const type of flagTypes) this.#u16(type, kLiberal << 8 | kLiberal);
      });
    });
  }

  #nested(type: number, write: () => void): this {
    const begin = this.#at;
    this.#at += kAttributeHeaderBytes;
    write();
    return this.#header(begin, type | kNested, this.#at - begin);
  }

  #u8(type: number, value: number): this {
    this.#bytes.writeUInt8(value, this.#at + kAttributeHeaderBytes);
    return this.#header(this.#at, type, kAttributeHeaderBytes + 1);
  }
  #u16(type: number, value: number): this {
    this.#bytes.writeUInt16BE(value, this.#at + kAttributeHeaderBytes);
    return this.#header(this.#at, type, kAttributeHeaderBytes + 2);
  }
  #u32(type: number, value: number): this {
    this.#bytes.writeUInt32BE(value, this.#at + kAttributeHeaderBytes);
    return this.#header(this.#at, type, kAttributeHeaderBytes + 4);
  }
  #hex(type: number, value: string): this {
    const written = this.#bytes.write(value, this.#at + kAttributeHeaderBytes, 'hex');
    return this.#header(this.#at, type, kAttributeHeaderBytes + written);
  }

  #header(at: number, type: number, bytes: number): this {
    this.#bytes.writeUInt16LE(bytes, at);
    this.#bytes.writeUInt16LE(type, at + 2);
    this.#at = at + padded(bytes);
    return this;
  }
}
