/** A cloud by `dvr` alone: nodes and a wire are there, and the rest is made by the short commands, exported and applied. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Ran, withLab } from '../support/lab.js';
import { temporaryFolder } from '../unit/controller/kept.js';

const nodesOnly = readFileSync(fileURLToPath(new URL('../../scripts/lab/nodes.yaml', import.meta.url)), 'utf8');
const kMs = 60_000;

describe('a cloud by short commands', () => {
  const lab = withLab(nodesOnly);
  const done = async (line: string): Promise<string> => {
    const ran: Ran = await lab.dvr(...line.split(' '));
    expect(ran, line).toMatchObject({ code: 0 });
    return ran.stdout;
  };
  const refused = async (line: string): Promise<string> => {
    const ran = await lab.dvr(...line.split(' '));
    expect(ran.code, line).not.toBe(0);
    return ran.stderr;
  };

  it('is made, and packets go out and come in', async () => {
    for (const line of [
      'network create red --vni 101', 'subnet create red 10.1.0.0/24',
      'network create ext --external physnet1', 'subnet create ext 203.0.113.0/24 --pool 203.0.113.20-203.0.113.99',
      'router create r1 --gateway ext', 'router add r1 10.1.0.0/24',
      'port create red web1 --node cn2', 'floating-ip create ext --port web1 --ip 203.0.113.105', 'lab vm add --port web1',
    ]) await done(line);
    const { id } = JSON.parse(await done('port create red web2 --json')) as { id: string };
    await done(`lab vm add --port ${id} --name second --node cn1`);
    expect(await lab.ping('second', '10.1.0.3')).toBe(3);
    expect(await lab.ping('web1', '198.51.100.9')).toBe(3);
    expect(await lab.ping('ext', '203.0.113.105')).toBe(3);
    expect(await done('router list')).toMatch(/^r1 .* 203\.0\.113\.20$/m);
  }, kMs);

  it('is a topology file when exported, which changes nothing when applied twice', async () => {
    const file = join(temporaryFolder(), 'exported.yaml');
    writeFileSync(file, await done('export'));
    await done(`apply ${file}`);
    expect(await done(`apply ${file}`)).toContain('nothing to change');
    expect(await lab.ping('second', '10.1.0.3')).toBe(3);
    writeFileSync(file, `${readFileSync(file, 'utf8')}x: 1\n`);
    expect(await refused(`apply ${file}`)).toContain('unknown key');
  }, kMs);

  it('is refused what cannot be, in words that say why', async () => {
    expect(await refused('network create blue --vni 101')).toContain('The tunnel ID 101 is in use');
    expect(await refused('router remove r1 10.1.0.0/24')).toContain('required by one or more floating IPs');
    expect(await refused('router show nosuch')).toContain('there is no router "nosuch"');
    expect(await refused('lab vm add --port web1')).toContain('has a VM in port web1 already');
    expect(await refused('lab vm add --port nosuch')).toContain('no port is named "nosuch"');
  }, kMs);

  it('goes again, piece by piece, and leaves the nodes as they were', async () => {
    for (const line of [
      'lab vm remove web1', 'lab vm remove second', 'floating-ip delete 203.0.113.105', 'port delete web1', 'port delete web2',
      'router remove r1 10.1.0.0/24', 'router delete r1', 'network delete red', 'network delete ext',
    ]) await done(line);
    expect(JSON.parse(await done('status --json'))).toMatchObject({ networks: [], routers: [], ports: [], floatingIps: [] });
  }, kMs);
});
