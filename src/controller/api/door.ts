/**
 * The door for clients of OpenStack on this machine: HTTP on a loopback address, and on no other, since
 * there is nobody yet who asks for names and keys. Whoever has an account on the machine may come in.
 */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DvrError } from '../../model/errors.js';
import { isLocalRequest, parseLoopback, type LoopbackAddress } from '../../model/loopback.js';
import { NeutronFault } from './faults.js';

export type DoorAddress = LoopbackAddress;

/** @throws DvrError DVR_USAGE */
export const parseDoor = (text: string): DoorAddress => parseLoopback('--api', text, 'the API', 9696);

/** More are turned away: a client has one or a few, and each costs a descriptor. */
const MAX_CONNECTIONS = 1_024;

/** @throws DvrError DVR_USAGE where the port is taken. @returns the port, chosen by the kernel where 0 was asked for */
export async function openDoor(app: FastifyInstance, { host, port }: DoorAddress): Promise<number> {
  app.addHook('onRequest', (request, _reply, done) => {
    done(isLocal(request) ? undefined : strangerFault(request));
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw new DvrError(
      'DVR_USAGE',
      `--api: cannot listen on ${host} port ${port}: ${(cause as Error).message}`,
      'stop what uses the port, or give another one: --api 127.0.0.1:PORT, or DVR_API=127.0.0.1:PORT',
      { cause },
    );
  }
  return (app.server.address() as AddressInfo).port;
}

const isLocal = ({ headers, hostname }: FastifyRequest): boolean => isLocalRequest(headers.origin, hostname);

function strangerFault({ headers }: FastifyRequest): NeutronFault {
  const whose = headers.origin === undefined ? `Host ${headers.host ?? ''}` : `Origin ${headers.origin}`;
  return new NeutronFault(
    'HTTPForbidden',
    `${whose.slice(0, 100)} is not this machine: the API is for programs on it, not for web pages`,
  );
}
