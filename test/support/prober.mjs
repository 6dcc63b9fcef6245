/**
 * Sends numbered UDP datagrams at a steady rate to an echo and counts what comes back.
 *
 *     node prober.mjs ADDRESS PORT COUNT INTERVAL_MS
 *
 * Prints "ready" with the first datagram, and at the end (or on SIGTERM) one line of JSON:
 * {"sent", "received", "lost", "lostNumbers", "longestLostRun", "lastLost", "worstMs"}. `ping` cannot do this: the kernel's tick
 * bounds it to 62 a second. Datagrams that are due are sent together, so the rate holds on a busy machine.
 */
import { createSocket } from 'node:dgram';

const [address, port, count, intervalMs] = process.argv.slice(2);
const kLateMs = 2000;
const kListed = 20;
const sentAt = [];
const received = new Set();
let worstMs = 0;

const socket = createSocket('udp4');
socket.on('message', (message) => {
  const number = message.readUInt32BE(0);
  if (received.has(number)) return;
  received.add(number);
  worstMs = Math.max(worstMs, performance.now() - sentAt[number]);
  if (received.size === Number(count)) finish();
});
socket.on('error', () => undefined);

const began = performance.now();
const ticker = setInterval(() => {
  const due = Math.min(Number(count), 1 + Math.floor((performance.now() - began) / Number(intervalMs)));
  if (sentAt.length === 0) console.log('ready');
  while (sentAt.length < due) {
    const datagram = Buffer.alloc(64);
    datagram.writeUInt32BE(sentAt.length, 0);
    sentAt.push(performance.now());
    socket.send(datagram, Number(port), address, () => undefined);
  }
  if (sentAt.length >= Number(count)) stopSending();
}, Math.min(Number(intervalMs), 10));

function stopSending() {
  clearInterval(ticker);
  setTimeout(finish, kLateMs);
}

function finish() {
  const lostNumbers = sentAt.map((_, number) => number).filter((number) => !received.has(number));
  console.log(JSON.stringify({
    sent: sentAt.length, received: received.size, lost: lostNumbers.length, lostNumbers: lostNumbers.slice(0, kListed),
    longestLostRun: longestRun(lostNumbers), lastLost: lostNumbers.at(-1) ?? -1, worstMs,
  }));
  process.exit(0);
}

function longestRun(numbers) {
  let longest = 0;
  numbers.reduce((run, number, at) => {
    const now = number === numbers[at - 1] + 1 ? run + 1 : 1;
    longest = Math.max(longest, now);
    return now;
  }, 0);
  return longest;
}

process.on('SIGTERM', stopSending);
