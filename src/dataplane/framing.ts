/**
 * Messages on the dataplane's unix socket, both directions, little-endian:
 *
 *     0        4        8
 *     +--------+--------+------------------+----------------+
 *     | header | binary |   header: JSON   |  binary part   |
 *     | bytes  | bytes  |                  |                |
 *     +--------+--------+------------------+----------------+
 *
 * Used by server.ts and proxy.ts. The binary part carries batches, frames and markers, which are no
 * text. A peer that announces more than the bounds is cut off: the stream has no place to go on from.
 */
import type { Socket } from 'node:net';

/** Requests: an adoption of 4096 devices is under 2 MiB; a batch is at most 64 MiB (batch.hpp). */
export const kRequestLimits: Limits = { headerBytes: 4 << 20, binaryBytes: (64 << 20) + 16 };
/** Answers: a dump of a million rows is about 100 MB of JSON. */
export const kAnswerLimits: Limits = { headerBytes: 256 << 20, binaryBytes: 1 << 20 };

export interface Limits { readonly headerBytes: number; readonly binaryBytes: number }
export interface Message { readonly header: unknown; readonly binary: Uint8Array }

/** One message as the pieces to write. */
export function frameMessage(header: unknown, binary: Uint8Array = new Uint8Array()): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(text.length, 0);
  lengths.writeUInt32LE(binary.length, 4);
  return Buffer.concat([lengths, text, binary]);
}

/** Calls back for each whole message; `broken` once if the peer breaks the framing, which ends the socket. */
export function readMessages(
  socket: Socket, limits: Limits, onMessage: (message: Message) => void, broken: (why: string) => void,
): void {
  // Chunks are kept in a list and joined once a message is whole: joining at each would be quadratic.
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = 8;
  const end = (why: string): void => {
    chunks = [];
    socket.destroy();
    broken(why);
  };
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= wanted && !socket.destroyed) {
      const all = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      const headerBytes = all.readUInt32LE(0);
      const binaryBytes = all.readUInt32LE(4);
      if (headerBytes > limits.headerBytes || binaryBytes > limits.binaryBytes) {
        end(`a message of ${String(headerBytes)} + ${String(binaryBytes)} bytes is over the bound`);
        return;
      }
      const whole = 8 + headerBytes + binaryBytes;
      chunks = [all];
      wanted = whole;
      if (held < whole) return;
      chunks = [all.subarray(whole)];
      held -= whole;
      wanted = 8;
      const header = parse(all.subarray(8, 8 + headerBytes));
      if (header === undefined) { end('a header is no JSON'); return; }
      onMessage({ header, binary: all.subarray(8 + headerBytes, whole) });
    }
  });
}

function parse(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
