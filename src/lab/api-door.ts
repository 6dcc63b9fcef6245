/** Whether the lab's controller will be able to open its door for OpenStack's clients; asked before anything is made. */
import { createServer } from 'node:net';
import { DvrError } from '../model/errors.js';

/** @throws DvrError DVR_CONFLICT where somebody else listens there. */
export async function requireFreeApi(door: string): Promise<void> {
  const at = door.lastIndexOf(':');
  const host = door.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  const port = Number(door.slice(at + 1));
  // What is no address is told by the controller, which knows what may be one.
  if (!Number.isInteger(port) || port > 65_535) return;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return resolve();
      reject(new DvrError('DVR_CONFLICT', `${door} is taken, where the controller's --api would listen`,
        'stop what listens there (ss -lptn), or bring the lab up with DVR_API=127.0.0.1:PORT', { cause }));
    });
    server.listen({ host, port }, () => { server.close(() => { resolve(); }); });
  });
}
