/**
 * The numbers of ctnetlink, the kernel's own way of speaking of tracked connections (linux/netlink.h,
 * linux/netfilter/nfnetlink_conntrack.h), for conntrack-requests.ts and conntrack-heard.ts.
 *
 *   message   length u32 | type u16 | flags u16 | sequence u32 | port u32 | family u8 | 0 | 0 u16 | attributes
 *   attribute length u16 | type u16 | value, padded to 4 bytes
 *
 * Headers are in the machine's byte order, which is little-endian wherever the fast path is built; values
 * are big-endian.
 */
import { carryingStates, type CarryingState, type Protocol } from './conntrack-connection.js';

/** Multicast groups: a connection is new, has changed, has gone. */
export const conntrackGroups = [1, 2, 3] as const;

export const kMessageHeaderBytes = 16;
export const kHeaderBytes = kMessageHeaderBytes + 4;
export const kAttributeHeaderBytes = 4;
export const kErrorType = 2;
export const kDoneType = 3;
/** The others of an attribute's type say how its value is written. */
export const kTypeBits = 0x3fff;
/** Subsystem 1. */
export const types = { put: 0x100, get: 0x101, remove: 0x102 } as const;
export const flags = { request: 0x1, dump: 0x300, exclusive: 0x200, create: 0x400 } as const;
export const families = { v4: 2, v6: 10 } as const;

export const protocols = { tcp: 6, udp: 17 } as const satisfies Record<Protocol, number>;
export const protocolOfNumber = new Map<number, Protocol>([[protocols.tcp, 'tcp'], [protocols.udp, 'udp']]);
/** As the kernel numbers them (enum tcp_conntrack). */
export const states: Record<CarryingState, number> = { ESTABLISHED: 3, FIN_WAIT: 4, CLOSE_WAIT: 5 };
export const stateOfNumber = new Map<number, CarryingState>(carryingStates.map((state) => [states[state], state]));
export const kFirstClosingState = 6;

export const statusBits = { seenReply: 2, assured: 4, confirmed: 8 } as const;
/** IP_CT_TCP_FLAG_BE_LIBERAL: sequence numbers that this node has not seen are no reason to call a packet invalid. */
export const kLiberal = 0x08;

export const attributes = {
  original: 1, reply: 2, status: 3, protocolInfo: 4, natSource: 6, timeout: 7, natDestination: 13,
  tuple: { addresses: 1, protocol: 2, v4: [1, 2], v6: [3, 4], number: 1, sourcePort: 2, destinationPort: 3 },
  tcp: { info: 1, state: 1, flags: [4, 5] },
  nat: { v4: [1, 2], v6: [4, 5], protocol: 3, ports: [1, 2] },
} as const;

/** Where the attribute behind one of so many bytes begins. */
export const padded = (bytes: number): number => (bytes + 3) & ~3;
