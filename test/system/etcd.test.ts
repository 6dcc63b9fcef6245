/** The store in etcd, with a real one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { etcdAccess } from '../../src/controller/store/etcd-access.js';
import { EtcdStore } from '../../src/controller/store/etcd.js';
import { partKey, stateKey, UNDER_WAY } from '../../src/controller/store/etcd-keys.js';
import type { Change } from '../../src/controller/store/store.js';
import { Etcd, type EtcdTls } from '../support/etcd.js';
import { describeStore } from '../support/store-suite.js';

let etcd: Etcd;
beforeAll(async () => { etcd = await Etcd.start(); });
afterAll(() => etcd.end());

async function opened(access = etcdAccess(etcd.url, {}), compactMs?: number): Promise<EtcdStore> {
  const store = await EtcdStore.open(access, compactMs);
  onTestFinished(() => store.close());
  return store;
}

describeStore('etcd', async () => {
  await etcd.empty();
  return { first: await opened(), second: await opened() };
});

/** The next thing that a watcher is told. */
const next = (store: EtcdStore, at: number): Promise<readonly Change[] | Error> =>
  new Promise((resolve) => { store.watch(at, { changed: resolve, lost: resolve }); });

describe('etcd', () => {
  /** Lays down a large batch as far as a writer came that was killed: its parts, and then whether it counts. */
  async function leave(doesCount: boolean): Promise<Change[]> {
    const client = etcd.client();
    const changes = Array.from({ length: 500 }, (_, n) => ({ key: `port/${n}`, value: `${n}` }));
    await client.put(partKey('dead', 0)).value(JSON.stringify(changes.slice(0, 300)));
    await client.put(partKey('dead', 1)).value(JSON.stringify(changes.slice(300)));
    if (doesCount) await client.put(UNDER_WAY).value('{"id":"dead","parts":2}');
    client.close();
    return changes;
  }
  const keysLeft = async (): Promise<string[]> => {
    const client = etcd.client();
    const keys = await client.getAll().prefix('dvr/').keys();
    client.close();
    return keys;
  };

  it('has what a dead writer left of a large batch finished by the next reader, and told as one', async () => {
    await etcd.empty();
    const [reader, watcher] = [await opened(), await opened()];
    const { at } = await watcher.range('');
    const told = next(watcher, at);
    const changes = await leave(true);
    expect((await reader.range('')).entries).toHaveLength(changes.length);
    expect(await told).toHaveLength(changes.length);
    expect((await keysLeft()).filter((key) => !key.startsWith(stateKey('')))).toEqual([]);
  });

  it('has it finished by who watches, where nobody reads', async () => {
    await etcd.empty();
    const watcher = await opened();
    const { at } = await watcher.range('');
    const told = next(watcher, at);
    const changes = await leave(true);
    expect(await told).toHaveLength(changes.length);
  });

  it('has it finished by the next writer, who then compares with what it has left', async () => {
    await etcd.empty();
    const writer = await opened();
    await leave(true);
    expect(await writer.write({ compare: { key: 'port/7' }, changes: [{ key: 'port/7', value: 'mine' }] })).toBe(false);
    expect(await writer.write({ compare: { key: 'port/7', value: '7' }, changes: [{ key: 'port/7', value: 'mine' }] })).toBe(true);
    expect(await writer.get('port/7')).toBe('mine');
    expect(await writer.get('port/499')).toBe('499');
  });

  it('forgets what a dead writer left of a batch that never counted', async () => {
    await etcd.empty();
    await leave(false);
    const store = await opened();
    expect((await store.range('')).entries).toEqual([]);
    expect(await keysLeft()).toEqual([]);
  });

  it('does not take an entry or a change that etcd could not, and changes nothing', async () => {
    await etcd.empty();
    const store = await opened();
    const value = 'x'.repeat(700_000);
    await expect(store.write({ compare: { key: 'head' }, changes: [{ key: 'port/a', value }] })).rejects.toMatchObject({
      code: 'DVR_CONFLICT', message: 'entry port/a would take 700006 bytes in etcd, more than 600000',
    });
    const many = Array.from({ length: 101 }, (_, n) => ({ key: `port/${n}`, value: value.slice(0, 550_000) }));
    await expect(store.write({ compare: { key: 'head' }, changes: many })).rejects.toMatchObject({ code: 'DVR_CONFLICT' });
    expect(await keysLeft()).toEqual([]);
  });

  it('keeps no history: what was overwritten is forgotten, and who watched from then reads anew', async () => {
    await etcd.empty();
    const store = await opened(undefined, 50);
    const { at } = await store.range('');
    for (let n = 0; n < 3; n++) await store.write({ compare: { key: 'never' }, changes: [{ key: 'a', value: `${n}` }] });
    const client = etcd.client();
    await expect.poll(() => client.get(stateKey('a')).revision(at + 1).string().then(() => 'kept', (error: Error) => error.message), { timeout: 10_000 })
      .toContain('compacted');
    client.close();
    expect(await next(store, at)).toBeInstanceOf(Error);
    expect(await store.get('a')).toBe('2');
  });

  it('that is killed ends the watch, refuses, and serves again when it is back', async () => {
    await etcd.empty();
    const store = await opened();
    await store.write({ compare: { key: 'a' }, changes: [{ key: 'a', value: '1' }] });
    const { at } = await store.range('');
    const told = next(store, at);
    await etcd.kill();
    expect(await told).toBeInstanceOf(Error);
    const unreachable = { code: 'DVR_STORE_UNREACHABLE', status: 503, message: expect.stringContaining(etcd.url) as string };
    await expect(store.write({ compare: { key: 'never' }, changes: [{ key: 'a', value: '2' }] })).rejects.toMatchObject(unreachable);
    await expect(store.get('a')).rejects.toMatchObject(unreachable);
    await expect(EtcdStore.open(etcdAccess(etcd.url, {}))).rejects.toMatchObject(unreachable);
    await etcd.run();
    await expect.poll(() => store.get('a').catch(() => 'nobody answers'), { timeout: 20_000 }).toBe('1');
  });
});

it('etcd on a unix socket serves, and tells what others write', async () => {
  const local = await Etcd.start(undefined, true);
  onTestFinished(() => local.end());
  const store = await opened(etcdAccess(local.url, {}));
  const { at } = await store.range('');
  const told = next(store, at);
  expect(await store.write({ compare: { key: 'a' }, changes: [{ key: 'a', value: '1' }] })).toBe(true);
  expect(await told).toEqual([{ key: 'a', value: '1' }]);
});

describe('etcd behind TLS', () => {
  let folder: string;
  let tls: EtcdTls;
  let secured: Etcd;
  const inFolder = (name: string): string => join(folder, name);

  /** A certificate of the authority, which the second time is another one. */
  function certificate(ca: string, name: string): EtcdTls {
    const openssl = (...args: string[]): void => { execFileSync('openssl', args, { stdio: 'ignore' }); };
    const [caKey, caCert] = [inFolder(`${ca}.key`), inFolder(`${ca}.crt`)];
    const [key, request, cert, extensions] = ['key', 'csr', 'crt', 'ext'].map((ending) => inFolder(`${name}.${ending}`)) as [string, string, string, string];
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', `/CN=${ca}`, '-keyout', caKey, '-out', caCert);
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    writeFileSync(extensions, 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
    openssl('x509', '-req', '-in', request, '-CA', caCert, '-CAkey', caKey, '-CAcreateserial', '-days', '1', '-extfile', extensions, '-out', cert);
    return { ca: caCert, cert, key };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dvr-tls-'));
    tls = certificate('ours', 'etcd');
    secured = await Etcd.start(tls);
  });
  afterAll(async () => {
    await secured.end();
    rmSync(folder, { recursive: true });
  });

  it('serves who proves to belong to it, and is believed by who knows its authority', async () => {
    const store = await opened(etcdAccess(secured.url, tls));
    expect(await store.write({ compare: { key: 'a' }, changes: [{ key: 'a', value: '1' }] })).toBe(true);
    expect(await store.get('a')).toBe('1');
  });

  it('serves nobody else, and nobody else is served', async () => {
    const other = certificate('theirs', 'stranger');
    const refused = { code: 'DVR_STORE_UNREACHABLE' };
    await expect(EtcdStore.open(etcdAccess(secured.url, { ...other, ca: tls.ca }))).rejects.toMatchObject(refused);
    await expect(EtcdStore.open(etcdAccess(secured.url, { ...tls, ca: other.ca }))).rejects.toMatchObject(refused);
  });
});
