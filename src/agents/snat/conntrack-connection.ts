/**
 * A tracked connection as network nodes tell each other of it, and the lines they do it in. Pure.
 *
 *   + tcp 431999 assured ESTABLISHED 0a010002 cb00710a 34826 5001 cb00710a cb007114 5001 5825
 *   - tcp 0a010002 cb00710a 34826 5001
 *
 * A line is words: what to do (here is a connection, or one has gone), protocol, seconds it is kept without
 * traffic, whether it is more than a question and its answer, TCP's state (`-`: not TCP), then source,
 * destination and their ports as they come in, and as the answer comes. Addresses are hexadecimal, so that
 * there is one spelling. A line comes from a network: it is one of these two, or nothing.
 */

/** Addresses are 8 or 32 hexadecimal digits, all of a connection's as many. */
export interface Tuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** In these TCP still carries data: one end may have said its last word, and the other goes on. */
export const carryingStates = ['ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT'] as const;
export type CarryingState = (typeof carryingStates)[number];

export interface Connection {
  readonly protocol: Protocol;
  readonly original: Tuple;
  /** What the answer looks like: other addresses and ports than the original's turned around are NAT's doing. */
  readonly reply: Tuple;
  readonly timeoutS: number;
  readonly assured: boolean;
  /** Of TCP only. */
  readonly state?: CarryingState;
}
export type Protocol = 'tcp' | 'udp';

/** What has become of a connection. */
export type Change =
  | { readonly kind: 'is'; readonly connection: Connection }
  | { readonly kind: 'gone'; readonly id: ConnectionId };

/** Which connection it is: its protocol and original tuple. */
export interface ConnectionId { readonly protocol: Protocol; readonly original: Tuple }

/** Longest line, with room; a longer one is none of ours. */
export const kMaxLineBytes = 256;
/** 115 days. The kernel's own longest timeout is five days. */
export const kMostTimeoutS = 9_999_999;
const kMostPort = 65_535;

/** The words of a tuple; with the protocol before them, the name of a connection. */
const wordsOf = ({ source, destination, sourcePort, destinationPort }: Tuple): string =>
  `${source} ${destination} ${String(sourcePort)} ${String(destinationPort)}`;
export const keyOf = ({ protocol, original }: ConnectionId): string => `${protocol} ${wordsOf(original)}`;
export const replyKeyOf = ({ reply }: Connection): string => wordsOf(reply);

/** Without the end of the line. */
export const goneLine = (key: string): string => `- ${key}`;
export function isLine({ protocol, original, reply, timeoutS, assured, state }: Connection): string {
  const kept = `${String(timeoutS)} ${assured ? 'assured' : 'seen'} ${state ?? '-'}`;
  return `+ ${protocol} ${kept} ${wordsOf(original)} ${wordsOf(reply)}`;
}

const kAddress = '([0-9a-f]{8}|[0-9a-f]{32})';
const kPort = '(0|[1-9][0-9]{0,4})';
const kTuple = `${kAddress} ${kAddress} ${kPort} ${kPort}`;
const kIs = new RegExp(`^\\+ (tcp|udp) ([1-9][0-9]{0,6}) (assured|seen) (${carryingStates.join('|')}|-) ${kTuple} ${kTuple}$`);
const kGone = new RegExp(`^- (tcp|udp) ${kTuple}$`);

/** Nothing for a line that is not exactly one of ours. */
export function parseLine(line: string): Change | undefined {
  if (line.length > kMaxLineBytes) return undefined;
  return line.startsWith('+') ? parseIs(line) : parseGone(line);
}

function parseIs(line: string): Change | undefined {
  const words = kIs.exec(line)?.slice(1);
  if (words === undefined) return undefined;
  const [protocol, timeoutS, assured, state] = words;
  const original = tupleOf(words.slice(4, 8));
  const reply = tupleOf(words.slice(8));
  if (original === undefined || reply === undefined) return undefined;
  if (original.source.length !== reply.source.length || (protocol === 'tcp') !== (state !== '-')) return undefined;
  const connection = {
    protocol: protocol as Protocol, original, reply, timeoutS: Number(timeoutS), assured: assured === 'assured',
    ...(state === '-' ? {} : { state: state as CarryingState }),
  };
  return { kind: 'is', connection };
}

function parseGone(line: string): Change | undefined {
  const words = kGone.exec(line)?.slice(1);
  const original = words === undefined ? undefined : tupleOf(words.slice(1));
  return original === undefined ? undefined : { kind: 'gone', id: { protocol: words?.[0] as Protocol, original } };
}

function tupleOf([source = '', destination = '', from, to]: readonly string[]): Tuple | undefined {
  const sourcePort = Number(from);
  const destinationPort = Number(to);
  if (source.length !== destination.length || sourcePort > kMostPort || destinationPort > kMostPort) return undefined;
  return { source, destination, sourcePort, destinationPort };
}
