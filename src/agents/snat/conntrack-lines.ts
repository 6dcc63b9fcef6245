/** Lines out of a socket, as many at a time as have come whole. What grows too long is no line of ours. */
import type { Socket } from 'node:net';

export async function* linesOf(socket: Socket, mostBytes: number): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > mostBytes) throw new Error(`a line of more than ${String(mostBytes)} bytes`);
    if (lines.length > 0) yield lines;
  }
}
