/**
 * Sends UDP datagrams from this namespace, one after the other.
 *
 *     node send-datagrams.mjs ADDRESS PORT HEX...
 */
import { createSocket } from 'node:dgram';

const [address, port, ...datagrams] = process.argv.slice(2);
const socket = createSocket('udp4');
for (const datagram of datagrams) {
  await new Promise((resolve, reject) => {
    socket.send(Buffer.from(datagram, 'hex'), Number(port), address, (error) => { error ? reject(error) : resolve(); });
  });
}
socket.close();
