/** The agent's only door for others: GET /metrics on a loopback address, for a Prometheus on this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { DvrError } from '../model/errors.js';
import { isLocalRequest, type LoopbackAddress } from '../model/loopback.js';
import type { Metrics } from '../model/metrics.js';

/** Prometheus holds one; people look now and then. */
const kMaxConnections = 16;

/** @throws DVR_USAGE where the port is taken. Answers with what closes it. */
export async function openMetricsDoor(metrics: Metrics, { host, port }: LoopbackAddress): Promise<() => void> {
  const server = createServer((request, response) => {
    answer(metrics, request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`);
    });
  });
  server.maxConnections = kMaxConnections;
  await new Promise<void>((opened, failed) => {
    server.once('error', (cause) => {
      failed(new DvrError('DVR_USAGE', `--metrics: cannot listen on ${host} port ${port}: ${cause.message}`,
        'stop what uses the port, or give another one: --metrics 127.0.0.1:PORT', { cause }));
    });
    server.listen({ host, port }, opened);
  });
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

async function answer(metrics: Metrics, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const say = (status: number, text: string, type = 'text/plain'): void => {
    response.writeHead(status, { 'content-type': type }).end(text);
  };
  const hostname = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (!isLocalRequest(request.headers.origin, hostname)) say(403, 'this door is for programs on this machine\n');
  else if (request.method !== 'GET' || request.url !== '/metrics') say(404, 'there is GET /metrics\n');
  else say(200, await metrics.text(), metrics.contentType);
}
