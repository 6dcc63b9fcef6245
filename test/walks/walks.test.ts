/**
 * Every *.walk file is a walk as text: what is sent, then what becomes of it, hop by hop. The text is compared
 * with what the real addon does on rows that the real programs made from the lab's topology.
 *
 *     routing fast                                           routers' traffic takes the fast path; else namespaces
 *     send PORT echo PORT [via gateway | direct] [ttl N]     an ICMP echo request
 *     send PORT arp ADDRESS                                  who has ADDRESS?
 *     receive NODE from VTEP-OF-NODE vni N SRC-MAC > DST-MAC an echo out of the tunnel
 *     ---
 *     expected lines
 *
 * MACs are names (`vm1`, `r1-red-mac`, `cn2-dvr-mac`, `everybody`) or addresses. To write the expected lines
 * anew after a wanted change: UPDATE_WALKS=1 npx vitest run --project walks; then read the difference.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { echoFrame } from '../../src/trace/echo.js';
import { MemoryCloud } from '../support/memory-cloud.js';

const folder = fileURLToPath(new URL('.', import.meta.url));
const topology = fileURLToPath(new URL('../../scripts/lab/topology.yaml', import.meta.url));
const kMarker = new Uint8Array(16).fill(0x77);

function arpRequest(cloud: MemoryCloud, from: string, target: string): Buffer {
  const port = cloud.port(from);
  const mac = Buffer.from(port.mac.replaceAll(':', ''), 'hex');
  const ip = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
  return Buffer.concat([
    Buffer.alloc(6, 0xff), mac, Buffer.from('08060001080006040001', 'hex'),
    mac, ip(port.ips[0] ?? ''), Buffer.alloc(6), ip(target),
  ]);
}

function echo(cloud: MemoryCloud, from: string, to: string, srcMac: string, dstMac: string, ttl: number): Buffer {
  const address = (name: string): string => cloud.port(name).ips[0] ?? '';
  return echoFrame({ srcMac, dstMac, srcIp: address(from), dstIp: address(to), ttl, id: 7, sequence: 1, marker: kMarker });
}

function macOf(cloud: MemoryCloud, name: string): string {
  if (name === 'everybody') return 'ff:ff:ff:ff:ff:ff';
  if (name.endsWith('-dvr-mac')) return cloud.dvrMac(name.replace('-dvr-mac', ''));
  if (name.startsWith('gateway-of-')) return cloud.gatewayMac(name.replace('gateway-of-', ''));
  return name.includes(':') ? name : cloud.port(name).mac;
}

function run(cloud: MemoryCloud, line: string): string[] {
  const words = line.split(/\s+/);
  const [verb, who = '', what, target = ''] = words;
  if (verb === 'send' && what === 'arp') return cloud.send(who, arpRequest(cloud, who, target));
  if (verb === 'send' && what === 'echo') {
    const ttl = words.includes('ttl') ? Number(words[words.indexOf('ttl') + 1]) : 64;
    const dstMac = words.includes('direct') ? cloud.port(target).mac : cloud.gatewayMac(who);
    const srcMac = words.includes('as') ? macOf(cloud, words[words.indexOf('as') + 1] ?? '') : cloud.port(who).mac;
    return cloud.send(who, echo(cloud, who, target, srcMac, dstMac, ttl));
  }
  if (verb === 'receive') {
    const [, , , vtepNode = '', , vni = '0', src = '', , dst = ''] = words;
    const header = Buffer.alloc(8);
    header.writeUInt32BE(0x08000000, 0);
    header.writeUInt32BE(Number(vni) << 8, 4);
    const vtep = vtepNode.includes('.') ? vtepNode : cloud.vtepOf(vtepNode);
    return cloud.receive(who, vtep, Buffer.concat([header, echo(cloud, 'vm1', 'vm2', macOf(cloud, src), macOf(cloud, dst), 63)]));
  }
  throw new Error(`no such line in a walk: ${line}`);
}

describe('walks', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.walk')).sort()) {
    const text = readFileSync(folder + file, 'utf8');
    const [given = ''] = text.split('\n---\n');
    const title = given.split('\n')[0]?.replace(/^# */, '') ?? file;
    it(`${file}: ${title}`, () => {
      const lines = given.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      const cloud = new MemoryCloud(topology, lines.includes('routing fast') ? 'fast' : 'namespace');
      const sent = lines.filter((line) => line !== 'routing fast');
      const seen = `${given}\n---\n${sent.flatMap((line) => run(cloud, line)).join('\n')}\n`;
      if (process.env['UPDATE_WALKS'] === '1') writeFileSync(folder + file, seen);
      expect(seen).toBe(readFileSync(folder + file, 'utf8'));
    });
  }
});
