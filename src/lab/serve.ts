/**
 * `dvr lab serve`: what a host outside has for its visitors, HTTP on port 80 and, where it is installed,
 * iperf3. The page names the visitor as it is seen from here, which is what NAT is about.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';

const kHttpPort = 80;
/** Mapped addresses (RFC 4291 section 2.5.5.2) are what IPv4 looks like to a socket of both families. */
const kMapped = '::ffff:';

export async function serve(): Promise<void> {
  const server = createServer({ keepAlive: false }, ({ socket }, answer) => {
    answer.writeHead(200, { 'content-type': 'text/plain', connection: 'close' });
    answer.end(`this is ${ours(socket)}, you are ${theirs(socket)}\n`);
  });
  // Whatever ends it, the lab's keeper starts it again.
  server.once('error', (error) => { console.error(error.message); process.exit(1); });
  await new Promise<void>((resolve) => { server.listen(kHttpPort, resolve); });
  serveIperf3();
  console.log('ready');
}

/** It ends with this process, and this process with it. */
function serveIperf3(): void {
  const file = (process.env['PATH'] ?? '').split(':').map((dir) => join(dir, 'iperf3')).find(existsSync);
  if (file === undefined) return console.log('iperf3 is not installed, so it is not served');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', file, '--server'], { stdio: ['ignore', 'ignore', 'inherit'] });
  child.once('exit', (code) => { console.error(`iperf3 ended with ${code}`); process.exit(1); });
}

const ours = ({ localAddress = '' }: Socket): string => plain(localAddress);

const theirs = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${plain(remoteAddress)} port ${remotePort}`;

const plain = (address: string): string => (address.startsWith(kMapped) ? address.slice(kMapped.length) : address);
