/**
 * Sends numbered UDP datagrams of many flows to an echo, interleaved, and looks at the order of what comes back.
 *
 *     node flows.mjs ADDRESS PORT FLOWS DATAGRAMS_PER_FLOW
 *
 * Prints one line of JSON: {"sent", "received", "disordered"}; disordered counts datagrams that came after a
 * later one of their flow. What is sent and not answered bounds itself (kInFlight), so little is lost.
 */
import { createSocket } from 'node:dgram';

const [address, port, flows, perFlow] = process.argv.slice(2);
const kInFlight = 256;
const kQuietMs = 1000;
const kTickMs = 1;
const total = Number(flows) * Number(perFlow);
let sent = 0, received = 0, disordered = 0;
let heardAt = performance.now();

const sockets = Array.from({ length: Number(flows) }, () => {
  const socket = createSocket('udp4');
  let last = -1;
  socket.on('message', (message) => {
    const number = message.readUInt32BE(0);
    if (number < last) disordered++;
    last = Math.max(last, number);
    received++;
    heardAt = performance.now();
  });
  socket.on('error', () => undefined);
  return socket;
});

const ticker = setInterval(() => {
  const isQuiet = performance.now() - heardAt > kQuietMs;
  // What is lost would keep the window closed for ever.
  const room = isQuiet ? kInFlight : kInFlight - (sent - received);
  for (let count = 0; count < room && sent < total; count++) {
    const datagram = Buffer.alloc(64);
    datagram.writeUInt32BE(Math.floor(sent / sockets.length), 0);
    sockets[sent++ % sockets.length].send(datagram, Number(port), address, () => undefined);
  }
  if (isQuiet && room > 0) heardAt = performance.now();
  if (sent === total && (received === total || isQuiet)) finish();
}, kTickMs);

function finish() {
  clearInterval(ticker);
  console.log(JSON.stringify({ sent, received, disordered }));
  process.exit(0);
}
