/**
 * Sends every UDP datagram back to where it came from, until it is ended.
 *
 *     node echo.mjs PORT        prints "ready" once it listens
 */
import { createSocket } from 'node:dgram';

const socket = createSocket('udp4');
socket.on('message', (message, from) => { socket.send(message, from.port, from.address); });
// A peer that is gone answers with an ICMP error; the next datagram is echoed all the same.
socket.on('error', () => undefined);
socket.bind(Number(process.argv[2]), () => { console.log('ready'); });
