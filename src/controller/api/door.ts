/**
 * The door for clients of OpenStack on this machine: HTTP on a loopback address, and on no other, since
 * there is nobody yet who asks for names and keys. Whoever has an account on the machine may come in.
 */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseIp, type IpAddress } from '../../model/addresses.js';
import { DvrError } from '../../model/errors.js';
import { NeutronFault } from './faults.js';

export interface DoorAddress {
  readonly host: IpAddress;
  readonly port: number;
}

const MAX_TCP_PORT = 65_535;

/** @throws DvrError DVR_USAGE */
export function parseDoor(text: string): DoorAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = parseIp(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (host === undefined || port > MAX_TCP_PORT)
    throw new DvrError(
      'DVR_USAGE',
      `--api ${text} is no address with a port`,
      'write it like 127.0.0.1:9696 or [::1]:9696',
    );
  if (isLoopback(host)) return { host, port };
  throw new DvrError(
    'DVR_USAGE',
    `--api ${text}: ${host} is no loopback address, and the API listens on no other`,
    'there is no TLS and there are no tokens and roles yet, so whoever reaches it may do anything; ' +
      'from another machine come through ssh: ssh -L 9696:127.0.0.1:9696 HOST',
  );
}

/** @throws DvrError DVR_USAGE where the port is taken. @returns the port, chosen by the kernel where 0 was asked for */
export async function openDoor(app: FastifyInstance, { host, port }: DoorAddress): Promise<number> {
  app.addHook('onRequest', (request, _reply, done) => {
    done(isLocal(request) ? undefined : strangerFault(request));
  });
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

/**
 * A page in a browser on this machine could send requests here on behalf of somebody far away. A browser
 * says whose page it is (Origin), and a name that was made to point here is in Host: both are refused.
 */
function isLocal({ headers, hostname }: FastifyRequest): boolean {
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  const host = parseIp(name);
  return (
    headers.origin === undefined &&
    (name === 'localhost' || (host !== undefined && isLoopback(host)))
  );
}

function strangerFault({ headers }: FastifyRequest): NeutronFault {
  const whose = headers.origin === undefined ? `Host ${headers.host ?? ''}` : `Origin ${headers.origin}`;
  return new NeutronFault(
    'HTTPForbidden',
    `${whose.slice(0, 100)} is not this machine: the API is for programs on it, not for web pages`,
  );
}

const isLoopback = (host: IpAddress): boolean => host.startsWith('127.') || host === '::1';
