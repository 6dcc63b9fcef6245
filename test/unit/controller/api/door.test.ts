/** The door for clients on this machine, through real sockets. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDoor } from '../../../../src/controller/api/door.js';
import { Controller } from '../../../../src/controller/controller.js';
import { silentLog } from '../../../../src/controller/log.js';
import { startServer, type RunningServer } from '../../../../src/controller/server.js';
import { LevelStore } from '../../../../src/controller/store/level.js';
import { apply, seedText } from '../support.js';

describe('the address of the door', () => {
  it.each(['127.0.0.1:9696', '127.1.2.3:80', '[::1]:9696'])('may be %s', (text) => {
    expect(parseDoor(text).port).toBeGreaterThan(0);
  });

  it.each(['0.0.0.0:9696', '[::]:9696', '192.0.2.1:9696', '[2001:db8::1]:9696'])('is refused where others could reach it: %s', (text) => {
    expect(() => parseDoor(text)).toThrow(expect.objectContaining({
      code: 'DVR_USAGE', message: expect.stringContaining('no loopback address'), hint: expect.stringContaining('no TLS'),
    }));
  });

  it.each(['9696', '127.0.0.1', '127.0.0.1:65536', 'localhost:9696', ''])('is refused where it is none: %j', (text) => {
    expect(() => parseDoor(text)).toThrow(expect.objectContaining({ message: `--api ${text} is no address with a port` }));
  });
});

describe('the door', () => {
  let folder: string;
  let controller: Controller;
  let server: RunningServer;
  const open = (port = 0): Promise<RunningServer> =>
    startServer({ controller, socketPath: join(folder, 'controller.sock'), api: parseDoor(`127.0.0.1:${port}`), log: silentLog });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dvr-door-'));
    controller = await Controller.open(await LevelStore.open(join(folder, 'state')));
    await controller.execute(apply(seedText));
    server = await open();
  });
  afterEach(async () => {
    await server.close();
    await controller.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<{ status: number; type: string; text: string }> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: server.apiPort, path, method, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => { text += chunk.toString(); });
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }); });
      });
      sent.on('error', reject);
      sent.end(body);
    });

  it('leads to the Networking API, to /dvr/v1 and to the identity service', async () => {
    expect((await ask('/')).text).toContain(`"href":"http://127.0.0.1:${server.apiPort}/v2.0/"`);
    const { networks } = JSON.parse((await ask('/v2.0/networks?fields=name')).text) as { networks: { name: string }[] };
    expect(networks.map(({ name }) => name).sort()).toEqual(['green', 'red']);
    expect(JSON.parse((await ask('/dvr/v1/status')).text)).toMatchObject({ generation: controller.intent.generation });
    expect((await ask('/identity')).status).toBe(300);
  });

  it('keeps what clients write', async () => {
    const made = await ask('/v2.0/networks', { 'content-type': 'application/json' }, 'POST', '{"network":{"name":"blue"}}');
    expect(made.status).toBe(201);
    expect(controller.intent.networks.has('blue')).toBe(true);
  });

  it('tells faults as Neutron does on its paths, and as problems on the others', async () => {
    expect(await ask('/v2.0/nothing')).toMatchObject({ status: 404, text: expect.stringContaining('NeutronError') });
    expect(await ask('/v2.0/%zz')).toMatchObject({ status: 400, text: expect.stringContaining('NeutronError') });
    expect(await ask('/dvr/v1/nothing')).toMatchObject({ status: 404, type: expect.stringContaining('application/problem+json') });
    expect(await ask('/dvr/v1/%zz')).toMatchObject({ status: 400, type: expect.stringContaining('application/problem+json') });
  });

  it('lets no web page in: neither one that says whose it is, nor one whose name was made to point here', async () => {
    for (const path of ['/', '/v2.0/networks', '/dvr/v1/status', '/identity', '/nothing']) {
      expect((await ask(path, { origin: 'http://evil.example' })).status, path).toBe(403);
      expect((await ask(path, { host: 'evil.example' })).status, path).toBe(403);
    }
    for (const host of ['localhost:1234', '[::1]:9696', '127.0.0.1'])
      expect((await ask('/v2.0/networks', { host })).status, host).toBe(200);
  });

  it('is refused where the port is taken, and says which option names it; nothing stays open', async () => {
    await server.close();
    const other = createServer();
    await new Promise<void>((resolve) => { other.listen(0, '127.0.0.1', resolve); });
    const { port } = other.address() as AddressInfo;
    await expect(open(port)).rejects.toMatchObject({ code: 'DVR_USAGE', message: expect.stringContaining(`--api: cannot listen on 127.0.0.1 port ${port}`) });
    await new Promise((resolve) => { other.close(resolve); });
    server = await open(port);
    expect(server.apiPort).toBe(port);
  });
});
