/**
 * TCP connections that are held, and asked now and then whether they still carry anything.
 *
 *     node held-connections.mjs serve PORT                      an echo; prints "ready"
 *     node held-connections.mjs hold ADDRESS PORT COUNT [FROM FROM_PORT]
 *                                                               opens them; prints "ready" when all have carried a byte
 *
 * A line on the input of `hold` sends a byte over each; the answer is how many of them it has come back on,
 * after all or a while. The end of its input closes all.
 */
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [mode, ...words] = process.argv.slice(2);
/** A lost packet is sent again after 0.2, 0.6 and 1.4 seconds. */
const kWaitMs = 2500;

if (mode === 'serve') {
  const server = createServer((socket) => { socket.on('error', () => undefined).pipe(socket); });
  server.listen({ port: Number(words[0]), host: '::', backlog: 1024 }, () => { console.log('ready'); });
} else {
  const [address, port, count, localAddress, localPort] = words;
  const from = localAddress === undefined ? {} : { localAddress, localPort: Number(localPort) };
  const sockets = Array.from({ length: Number(count) }, () => connect({ host: address, port: Number(port), ...from }).setNoDelay());
  for (const socket of sockets) socket.on('error', () => undefined);
  const carried = () => new Promise((done) => {
    const left = new Set(sockets);
    const end = () => { clearTimeout(late); done(sockets.length - left.size); };
    const late = setTimeout(end, kWaitMs);
    for (const socket of sockets) {
      socket.removeAllListeners('data').once('data', () => { left.delete(socket); if (left.size === 0) end(); });
      socket.write('x');
    }
  });
  if (await carried() === sockets.length) console.log('ready');
  for await (const _line of createInterface({ input: process.stdin })) console.log(await carried());
  for (const socket of sockets) socket.destroy();
}
