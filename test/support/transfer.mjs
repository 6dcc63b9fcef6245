/**
 * One TCP stream of pseudo-random bytes, with a digest at both ends.
 *
 *     node transfer.mjs receive PORT             prints "ready" once it listens, then one line of JSON
 *     node transfer.mjs send ADDRESS PORT BYTES  prints one line of JSON
 *
 * The line is {"bytes", "sha256", "worstGapMs"}; the gap is the longest time without progress.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const kChunkBytes = 1 << 20;
/** A whole number of chunks is never a whole number of segments, so repeats do not line up with packets. */
const chunk = randomBytes(kChunkBytes);

/** Passes a stream on and takes its measure. */
function measure() {
  const hash = createHash('sha256');
  let bytes = 0;
  let worstGapMs = 0;
  let last = performance.now();
  return {
    async *through(source) {
      for await (const part of source) {
        worstGapMs = Math.max(worstGapMs, performance.now() - last);
        last = performance.now();
        bytes += part.length;
        hash.update(part);
        yield part;
      }
    },
    say: () => { console.log(JSON.stringify({ bytes, sha256: hash.digest('hex'), worstGapMs })); },
  };
}

function* chunks(total) {
  for (let left = total; left > 0; left -= kChunkBytes) yield chunk.subarray(0, Math.min(left, kChunkBytes));
}

async function receive(port) {
  const server = createServer({ allowHalfOpen: true });
  server.listen(port, '::', () => { console.log('ready'); });
  const [socket] = await new Promise((resolve) => { server.once('connection', (...all) => { resolve(all); }); });
  server.close();
  const measured = measure();
  for await (const _ of measured.through(socket)) void _;
  measured.say();
  socket.end();
}

async function send(address, port, total) {
  const measured = measure();
  const socket = connect({ host: address, port, allowHalfOpen: true });
  await pipeline(Readable.from(chunks(total), { objectMode: false, highWaterMark: kChunkBytes }), measured.through, socket);
  socket.resume();
  measured.say();
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'receive') await receive(Number(rest[0]));
else await send(rest[0], Number(rest[1]), Number(rest[2]));
