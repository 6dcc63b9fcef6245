/** A real etcd of one member, in a folder of its own, for as long as a file of tests runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';

const kStartMs = 30_000;

export interface EtcdTls { readonly ca: string; readonly cert: string; readonly key: string }

export class Etcd {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly peerPort: number,
    private readonly tls: EtcdTls | undefined,
    private readonly isUnix: boolean,
  ) {}

  /**
   * @param tls Whoever comes must show a certificate of the same authority.
   * @param isUnix It listens on a unix socket.
   */
  static async start(tls?: EtcdTls, isUnix = false): Promise<Etcd> {
    const etcd = new Etcd(mkdtempSync(join(tmpdir(), 'dvr-etcd-')), await freePort(), await freePort(), tls, isUnix);
    await etcd.run();
    return etcd;
  }

  /** As dvr takes it. */
  get url(): string {
    if (this.isUnix) return `unix:${join(this.folder, `localhost:${this.port}`)}`;
    return `${this.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  /** Again on the same data, after it was killed or stopped. */
  async run(): Promise<void> {
    const [client, peer] = [this.isUnix ? `unix://localhost:${this.port}` : this.url, `http://127.0.0.1:${this.peerPort}`];
    const keys = this.tls === undefined ? []
      : ['--client-cert-auth', '--trusted-ca-file', this.tls.ca, '--cert-file', this.tls.cert, '--key-file', this.tls.key];
    // It ends with whoever started it.
    this.process = spawn('setpriv', ['--pdeathsig', 'KILL', 'etcd', '--name', 'one', '--data-dir', join(this.folder, 'data'),
      '--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer,
      '--initial-advertise-peer-urls', peer, '--initial-cluster', `one=${peer}`, ...keys], { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let isReady = false;
    this.process.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000);
      isReady ||= said.includes('ready to serve client requests');
    });
    const deadline = performance.now() + kStartMs;
    while (!isReady) {
      if (performance.now() > deadline || this.process.exitCode !== null) throw new Error(`etcd does not start: ${said}`);
      await sleep(20);
    }
  }

  async kill(): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const gone = once(process, 'exit');
    process.kill('SIGKILL');
    await gone;
  }

  /** As when it was new. */
  async empty(): Promise<void> {
    const client = this.client();
    await client.delete().all().exec();
    client.close();
  }

  client(): Etcd3 { return new Etcd3({ hosts: this.url }); }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
