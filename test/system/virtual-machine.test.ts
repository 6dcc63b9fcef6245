/**
 * A real virtual machine: QEMU with Debian's kernel, on node cn2, whose tap the node's fast path takes as it stands
 * (`dvr port attach --dev`). Its virtio device cuts and sums nothing itself, so super-frames and unfinished checksums
 * pass both ways. It passes all three flows while tcpdump looks at its tap.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { putTopology, within } from '../support/cloud.js';
import { type Capture, withLab } from '../support/lab.js';
import { farHost, topologyWithOutside, untilPings, visitorOf } from '../support/outside.js';

const kBootMs = 60_000;
const kCommandMs = 60_000;
const kVm7 = '10.1.0.17';
const kFloatingIp = '203.0.113.107';
const topology = (floatingIps: string): string => topologyWithOutside(`
networks:
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red, green], gateway: ext } }
floating_ips: { ${floatingIps} }
ports:
  vm4: { network: green, node: cn1, ip: 10.2.0.14 }
  vm7: { network: red, ip: ${kVm7} }
`);
/** Made by scripts/setup, for the network is there. */
const guest = fileURLToPath(new URL('../../.toolchain/guest/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'dvr-guest-'));
const line = join(folder, 'serial');

/** A guest's serial line: what it says, and its shell. */
class Serial {
  #said = '';
  constructor(private readonly line: Socket) {
    line.on('data', (part) => { this.#said += part.toString(); });
  }

  /** Waits until it has said this. */
  async hear(pattern: RegExp, ms: number): Promise<string> {
    for (const end = performance.now() + ms; performance.now() < end; await new Promise((done) => { setTimeout(done, 50); })) {
      const found = pattern.exec(this.#said);
      if (found !== null) return found[1] ?? found[0];
    }
    throw new Error(`the guest has not said ${String(pattern)} in ${String(ms)} ms, but:\n${this.#said}`);
  }

  /** Runs a command inside; answers what it printed. */
  async run(command: string): Promise<string> {
    this.#said = '';
    this.line.write(`${command}; echo "ended $?."\n`);
    await this.hear(/ended \d+\./, kCommandMs);
    return this.#said;
  }
}

describe('a virtual machine of QEMU on a node', () => {
  const lab = withLab(topology(''));
  let qemu: ChildProcess | undefined;
  let serial: Serial;
  let capture: Capture;

  beforeAll(async () => {
    for (const words of [['tuntap', 'add', 'dev', 'tap0', 'mode', 'tap', 'vnet_hdr'], ['link', 'set', 'tap0', 'up']])
      expect(await lab.exec('cn2', ['ip', ...words])).toMatchObject({ code: 0 });
    const port = await controllerClient().attach('vm7', { node: 'cn2', dev: 'tap0' });
    expect(port.state).toBe('up');
    capture = await lab.startCapture('cn2', 'tap0', '');
    qemu = await lab.start('cn2', ['sh', '-c', 'echo ready; exec "$@"', 'sh',
      'qemu-system-x86_64', '-accel', 'tcg', '-machine', 'pc', '-cpu', 'max', '-m', '128', '-display', 'none', '-nodefaults',
      '-no-user-config', '-serial', `unix:${line},server=on,wait=off`, '-kernel', join(guest, 'vmlinuz'), '-initrd', join(guest, 'initrd'),
      '-netdev', 'tap,id=n0,ifname=tap0,script=no,downscript=no',
      '-device', `virtio-net-pci,netdev=n0,mac=${port.mac},romfile=`,
      '-append', `console=ttyS0 panic=-1 nokaslr quiet mitigations=off vmip=${kVm7}/24 vmmtu=1500 vmgw=10.1.0.1`,
    ]);
    await within('QEMU listens', async () => existsSync(line));
    serial = new Serial(connect(line));
    await serial.hear(/VMREADY/, kBootMs);
  }, kBootMs + kCommandMs);

  afterAll(() => {
    qemu?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('reaches a VM of another network and node, and is reached', async () => {
    expect(await serial.run('ping -c 2 -W 5 10.2.0.14')).toContain(' 0% packet loss');
    expect(await lab.ping('vm4', kVm7)).toBe(3);
    expect((await lab.exec('vm4', ['curl', '--silent', '--max-time', '10', `http://${kVm7}/`])).stdout)
      .toContain('hello from the virtual machine');
  });

  it('leaves the cloud by the SNAT namespace, as the gateway', async () => {
    expect(await serial.run(`ping -c 2 -W 5 ${farHost}`)).toContain(' 0% packet loss');
    expect(await serial.run('wget -q -O - http://203.0.113.10/')).toContain('you are 203.0.113.');
  });

  it('leaves and is reached by its floating IP', async () => {
    await putTopology(topology(`${kFloatingIp}: { port: vm7 }`));
    await untilPings(lab, 'ext', kFloatingIp);
    expect(await visitorOf(lab, 'ext', kFloatingIp)).toContain('hello from the virtual machine');
    expect(await serial.run('wget -q -O - http://203.0.113.10/')).toContain(`you are ${kFloatingIp}`);
  });

  it('showed all of it on its tap, and loses its port when it is detached', async () => {
    const seen = await capture.stop();
    expect(seen.length).toBeGreaterThan(0);
    await controllerClient().detach('vm7');
    expect(await lab.ping('vm4', kVm7, { count: 1, args: ['-W', '1'] })).toBe(0);
    expect(await lab.exec('cn2', ['ip', 'link', 'show', 'tap0'])).toMatchObject({ code: 0 });
  });
});
