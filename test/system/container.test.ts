/**
 * A real container: runc with a bundle of nothing but busybox, on node cn1, plugged in by its process as
 * one plugs in what runs already. It talks to vm2 on the other network and the other node.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync, closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync,
  symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf } from '../support/facts.js';
import { type Ran, run, withLab } from '../support/lab.js';

const kCommandMs = 30_000;
const applets = ['sh', 'sleep', 'ping', 'httpd', 'wget', 'ip', 'cat', 'mkdir'];
const id = 'dvr-test-container';
const bundle = mkdtempSync(join(tmpdir(), 'dvr-bundle-'));
/** runc wants the machine's cgroups, which scripts/isolated has covered with a /sys of its own. */
const underMachineSys = 'if ! [ -d /sys/fs/cgroup/devices ]; then umount /sys; fi; exec runc "$@"';
const runcWords = (words: readonly string[]): string[] =>
  [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    underMachineSys,
    'runc',
    '--root',
    join(bundle, 'state'),
    ...words,
  ];
const runc = (...words: string[]): Promise<Ran> => run('unshare', runcWords(words), kCommandMs);
const inContainer = (...argv: string[]): Promise<Ran> => runc('exec', id, ...argv);

interface Spec {
  process: {
    args: string[]; terminal: boolean; rlimits?: unknown; capabilities: Record<string, string[]>;
  };
  root: { path: string; readonly: boolean };
  linux: { resources?: unknown; namespaces: { type: string; path?: string }[] };
  mounts: { type: string }[];
}

async function makeBundle(): Promise<void> {
  const bin = join(bundle, 'rootfs/bin');
  mkdirSync(bin, { recursive: true });
  for (const folder of ['proc', 'dev', 'sys', 'www']) mkdirSync(join(bundle, 'rootfs', folder));
  writeFileSync(join(bundle, 'rootfs/www/index.html'), 'hello from the container\n');
  copyFileSync('/bin/busybox', join(bin, 'busybox'));
  chmodSync(join(bin, 'busybox'), 0o755);
  for (const applet of applets) symlinkSync('busybox', join(bin, applet));
  expect(await run('runc', ['spec', '--bundle', bundle], kCommandMs)).toMatchObject({ code: 0 });
  const file = join(bundle, 'config.json');
  writeFileSync(
    file, JSON.stringify(withoutPrivileges(JSON.parse(readFileSync(file, 'utf8')) as Spec)),
  );
}

/** Nothing that needs more rights than namespaces do: no limits, no cgroup. */
function withoutPrivileges(spec: Spec): Spec {
  const { rlimits: _rlimits, ...process } = spec.process;
  const { resources: _resources, ...linux } = spec.linux;
  const capabilities = Object.fromEntries(
    Object.keys(
      process.capabilities,
    ).map((set) => [set, ['CAP_NET_RAW', 'CAP_NET_BIND_SERVICE', 'CAP_KILL']]),
  );
  return {
    ...spec,
    process: {
      ...process, capabilities, terminal: false, args: ['httpd', '-f', '-p', '80', '-h', '/www'],
    },
    root: { path: 'rootfs', readonly: true },
    linux: { ...linux, namespaces: linux.namespaces.filter(({ type }) => type !== 'cgroup') },
    mounts: spec.mounts.filter(({ type }) => type !== 'cgroup'),
  };
}

describe('a container that runc runs', () => {
  const lab = withLab();
  let pid = 0;

  beforeAll(async () => {
    await makeBundle();
    const log = join(bundle, 'run.log');
    // Its output goes to a file: a pipe would stay open for as long as the container runs.
    const output = openSync(log, 'w');
    const started = spawnSync('unshare', runcWords([
      'run', '--detach', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), id,
    ]),
      { stdio: ['ignore', output, output], timeout: kCommandMs });
    closeSync(output);
    if (started.status !== 0) throw new Error(`runc: ${readFileSync(log, 'utf8')}`);
    pid = Number(readFileSync(join(bundle, 'pid'), 'utf8'));
  });

  afterAll(async () => {
    await runc('delete', '--force', id);
    rmSync(bundle, { recursive: true, force: true });
  });

  it('is plugged in by its process, with address, route and MTU', async () => {
    const port = jsonOf(
      await lab.dvr(
        'port',
        'attach',
        'web',
        '--network',
        'red',
        '--node',
        'cn1',
        '--ip',
        '10.1.0.80',
        '--pid',
        String(pid),
        '--json',
      ),
    );
    expect(port).toMatchObject({ state: 'up', attachment: { pid, ifname: 'eth0' } });
    const inside = (await inContainer('ip', 'address', 'show', 'dev', 'eth0')).stdout;
    for (const fact of [
      '10.1.0.80/24', `${port['mac']}`, 'mtu 1500',
    ]) expect(inside).toContain(fact);
    expect((await inContainer('ip', 'route')).stdout).toContain('default via 10.1.0.1');
  });

  it('pings vm2 and is pinged by it, across router and tunnel', async () => {
    expect((await inContainer('ping', '-c', '3', '10.2.0.12')).stdout).toContain(
      '3 packets received',
    );
    expect(await lab.ping('vm2', '10.1.0.80')).toBe(3);
  });

  it('serves HTTP to vm2, and fetches from it', async () => {
    expect(
      (await lab.exec('vm2', ['busybox', 'wget', '-q', '-O', '-', 'http://10.1.0.80/'])).stdout,
    ).toBe(
      'hello from the container\n',
    );
    const server = await lab.start('vm2', [
      'sh', '-c', `cd "${bundle}/rootfs/www" && echo ready && exec busybox httpd -f -p 80`,
    ]);
    const fetched = await inContainer(
      'sh', '-c', 'for i in 1 2 3 4 5; do wget -q -O - http://10.2.0.12/ && break; sleep 1; done',
    );
    expect(fetched.stdout).toBe('hello from the container\n');
    server.kill('SIGKILL');
  });

  it('is walked to as any port is', async () => {
    expect(await lab.dvr('walk', 'vm2', 'web')).toMatchObject({
      code: 0, stdout: expect.stringContaining('DELIVERED to web on cn1') as string,
    });
  });

  it('has no device and no route left once it is detached, and runs on', async () => {
    expect((await lab.dvr('port', 'detach', 'web')).code).toBe(0);
    expect((await inContainer('ip', 'address')).stdout).not.toContain('eth0');
    expect((await inContainer('ip', 'route')).stdout).toBe('');
    expect(await lab.ping('vm2', '10.1.0.80', { count: 1 })).toBe(0);
  });
});
