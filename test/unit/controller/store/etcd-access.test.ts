import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { etcdAccess } from '../../../../src/controller/store/etcd-access.js';
import { temporaryFolder } from '../kept.js';

describe('etcd is reached', () => {
  it.each([
    'http://127.0.0.1:2379', 'http://127.8.9.1:2379', 'http://[::1]:2379', 'http://localhost:2379',
    'unix:/run/etcd/localhost:2379',
    'http://127.0.0.1:2379, http://127.0.0.1:2381,http://127.0.0.1:2383',
  ])('on this machine without keys: %s', (text) => {
    expect(etcdAccess(text, {})).toEqual({ urls: text.split(/, ?/) });
  });

  it('over a wire with keys that prove both sides', () => {
    const folder = temporaryFolder();
    const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => {
      writeFileSync(join(folder, name), name);
      return join(folder, name);
    }) as [string, string, string];
    const urls = ['https://172.16.0.11:2379', 'https://etcd.example:2379'];
    expect(etcdAccess(urls.join(','), { ca, cert, key }))
      .toEqual({ urls, tls: { ca: Buffer.from('ca'), cert: Buffer.from('cert'), key: Buffer.from('key') } });
    expect(() => etcdAccess(urls.join(','), { ca, cert, key: join(folder, 'none') })).toThrow('cannot read');
  });

  it.each<[string, string, Parameters<typeof etcdAccess>[1], string]>([
    ['a wire without keys', 'http://172.16.0.11:2379', {}, 'everybody on the way there could read and write the whole network'],
    ['a name that may be anywhere', 'http://etcd.example:2379', {}, 'everybody on the way'],
    ['one of several over a wire', 'http://127.0.0.1:2379,http://172.16.0.12:2379', {}, 'everybody on the way'],
    ['every address', 'http://0.0.0.0:2379', {}, 'everybody on the way'],
    ['TLS that proves one side', 'https://172.16.0.11:2379', { ca: '/ca' }, 'TLS must prove both sides'],
    ['TLS on this machine that proves one side', 'https://127.0.0.1:2379', {}, 'TLS must prove both sides'],
    ['keys without TLS', 'http://127.0.0.1:2379', { key: '/key' }, 'keys are of no use without TLS'],
    ['two ways at once', 'http://127.0.0.1:2379,https://172.16.0.12:2379', {}, 'http and https mixed'],
    ['no URL', '127.0.0.1:2379', {}, 'it is no URL of an etcd'],
    ['nothing', '', {}, 'it is no URL of an etcd'],
    ['a socket without its whole path', 'unix:etcd.sock', {}, 'it is no URL of an etcd'],
    ['a socket on another machine', 'unix://etcd.example/socket', {}, 'it is no URL of an etcd'],
    ['no port', 'http://127.0.0.1', {}, 'it is no URL of an etcd'],
    ['a path', 'http://127.0.0.1:2379/v3', {}, 'it is no URL of an etcd'],
    ['a password', 'http://root:secret@127.0.0.1:2379', {}, 'it is no URL of an etcd'],
    ['another protocol', 'ftp://127.0.0.1:2379', {}, 'it is no URL of an etcd'],
    ['more than there can be', Array.from({ length: 10 }, (_, n) => `http://127.0.0.1:${n + 2379}`).join(), {}, 'more than 9 members'],
  ])('not by %s', (_what, text, files, why) => {
    expect(() => etcdAccess(text, files)).toThrow(
      expect.objectContaining({ code: 'DVR_USAGE', message: expect.stringContaining(why) as string }) as Error,
    );
  });
});
