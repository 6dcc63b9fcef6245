import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controllerClient } from '../../../src/cli/client.js';
import { DvrError } from '../../../src/model/errors.js';

let folder = '';
let socket = '';
let server: Server | undefined;
beforeEach(() => { folder = mkdtempSync(
  join(tmpdir(), 'dvr-client-'),
); socket = join(folder, 'controller.sock'); });
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((done) => { if (server === undefined) done(); else server.close(
    () => done(),
  ); });
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function controller(
  answer: (asked: {
    method: string; path: string; body: unknown;
  }, response: ServerResponse) => void,
): Promise<void> {
  server = createServer((request: IncomingMessage, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    request.on('end', () =>
      answer(
        {
          method: request.method ?? '',
          path: request.url ?? '',
          body: text === '' ? undefined : JSON.parse(text),
        },
        response,
      ));
  });
  await new Promise<void>((done) => server?.listen(socket, done));
}

describe('the client of the controller', () => {
  it('asks a node through the controller and gives back its answer', async () => {
    await controller((asked, response) => response.end(JSON.stringify({ result: asked })));
    const answer: unknown = await controllerClient(socket).nodeCall(
      'cn1', 'setTrace', { marker: null },
    );
    expect(answer).toEqual({
      method: 'POST',
      path: '/dvr/v1/nodes/cn1/call',
      body: { method: 'setTrace', params: { marker: null } },
    });
  });

  it('keeps a name that is no name from becoming another path', async () => {
    await controller((asked, response) => response.end(JSON.stringify(asked)));
    expect(await controllerClient(socket).remove('../nodes/cn1')).toMatchObject(
      { method: 'DELETE', path: '/dvr/v1/ports/..%2Fnodes%2Fcn1' },
    );
  });

  it('throws the error that the controller answered, with its code and hint', async () => {
    const original = new DvrError('DVR_NODE_UNREACHABLE', 'cn2 did not answer', 'dvr status');
    await controller((_, response) => response.writeHead(504, {
      'content-type': 'application/problem+json',
    }).end(
      JSON.stringify(original.toProblem()),
    ));
    await expect(controllerClient(socket).view('cn2')).rejects.toMatchObject({
      code: 'DVR_NODE_UNREACHABLE', message: 'cn2 did not answer', hint: 'dvr status', exitCode: 4,
    });
  });

  it('makes an error of an answer it does not understand', async () => {
    await controller((_, response) => response.writeHead(404).end('{}'));
    await expect(controllerClient(socket).status()).rejects.toMatchObject({
      code: 'DVR_NOT_FOUND', message: 'the controller answered 404 to GET /dvr/v1/status',
    });
  });

  it('says how to start a controller when there is none', async () => {
    await expect(controllerClient(socket).status()).rejects.toMatchObject({
      code: 'DVR_CONTROLLER_UNREACHABLE',
      message: expect.stringContaining(socket),
      hint: expect.stringContaining('dvr lab up'),
    });
  });

  it('says so when the answer breaks off', async () => {
    await controller((
      _, response,
    ) => { response.writeHead(200, { 'content-length': 100 }); response.write(
      '{',
    ); setTimeout(() => response.destroy(), 20); });
    await expect(controllerClient(socket).status()).rejects.toMatchObject({
      code: 'DVR_CONTROLLER_UNREACHABLE',
    });
  });
});
