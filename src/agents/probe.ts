/** ICMP probes from inside a chosen network namespace (`dvr walk --probe`): one after the other, each waited for. */
import { DvrError } from '../model/errors.js';
import { parseIp, type IpAddress } from '../model/addresses.js';
import { openEcho, type EchoSocket } from './icmp-echo.js';

export interface ProbeWish {
  /** Path of the namespace to probe from. */
  readonly netns: string;
  readonly target: string;
  readonly count: number;
  readonly ttl?: number;
}
export interface ProbeResult {
  readonly sent: number;
  readonly received: number;
  readonly rttMs: readonly number[];
}

const kMaxCount = 1000;
const kAnswerTimeoutMs = 1000;

/** @throws DVR_USAGE for a wish that cannot be; DVR_NOT_FOUND where there is no such namespace. */
export async function probe(wish: ProbeWish): Promise<ProbeResult> {
  const target = checked(wish);
  const { netns, count, ttl } = wish;
  let heard: (sequence: number) => void = () => {};
  const socket = await openEcho({ netns, target, ...(ttl === undefined ? {} : { ttl }) }, (sequence) => { heard(sequence); })
    .catch((cause: unknown) => {
      throw new DvrError('DVR_NOT_FOUND', `no network namespace to probe from at ${netns}`, 'see `dvr status`', { cause });
    });
  try {
    const rttMs: number[] = [];
    for (let sequence = 1; sequence <= count; ++sequence) {
      const rtt = await echo(socket, sequence, (listener) => { heard = listener; });
      if (rtt !== undefined) rttMs.push(rtt);
    }
    return { sent: count, received: rttMs.length, rttMs };
  } finally {
    socket.close();
  }
}

function checked({ target, count, ttl = 64 }: ProbeWish): IpAddress {
  const ip = parseIp(target);
  if (ip === undefined) throw new DvrError('DVR_USAGE', `"${target}" is no IP address`, '');
  const upTo = (most: number, value: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!upTo(kMaxCount, count)) throw new DvrError('DVR_USAGE', `count must be 1 to ${String(kMaxCount)}`, '');
  if (!upTo(255, ttl)) throw new DvrError('DVR_USAGE', 'ttl must be 1 to 255', '');
  return ip;
}

/** One request and the wait for its answer: milliseconds, or nothing. */
function echo(
  socket: EchoSocket, sequence: number, listen: (listener: (sequence: number) => void) => void,
): Promise<number | undefined> {
  return new Promise((done) => {
    const startedMs = performance.now();
    const finish = (rtt: number | undefined): void => { clearTimeout(timer); done(rtt); };
    const timer = setTimeout(() => { finish(undefined); }, kAnswerTimeoutMs);
    listen((answered) => { if (answered === sequence) finish(performance.now() - startedMs); });
    socket.send(sequence, () => { finish(undefined); });
  });
}
