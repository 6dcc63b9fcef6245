/** A port that is on its way to this node: everything is there for it, and nothing here leads to it yet. */
import { describe, expect, it } from 'vitest';
import { desiredOf } from '../../../src/agents/desired.js';
import { brIntProgram } from '../../../src/agents/l2/br-int-program.js';
import { brTunProgram } from '../../../src/agents/l2/br-tun-program.js';
import { portsProgram } from '../../../src/agents/l2/ports-program.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { firstOfEachKey } from './admitted.js';
import { cn1, ids, mac, port, red, withNetwork } from './picture.js';

/** vm1 is at home on cn2 still. */
const coming: NodeView = {
  ...withNetwork(cn1, { ...red, ports: [port('vm1', 'cn2', '10.1.0.11', { migratingTo: 'cn1' })] }),
  localPorts: cn1.localPorts.map((local) => (local.name === 'vm1' ? { ...local, incoming: true } : local)),
};
const come: NodeView = withNetwork(cn1, { ...red, ports: [port('vm1', 'cn1', '10.1.0.11')] });

const tablesOf = (view: NodeView): string[] =>
  firstOfEachKey([...portsProgram(view, ids), ...brIntProgram(view, ids), ...brTunProgram(view, ids)])
    .filter(({ key, value }) => [(key as { mac?: string }).mac, (value as { mac?: string }).mac].includes(mac.vm1) || (key as { port?: number }).port === 16)
    .map(({ table }) => table).sort();

describe('a port on its way here', () => {
  it('may speak, and is reached by what other nodes\' routers send; all else goes to where it is', () => {
    expect(new Set(tablesOf(coming))).toEqual(new Set(['allowed_sources', 'dvr_to_src_mac', 'neighbours', 'ports', 'ucast_to_tun']));
  });

  it('is switched and flooded to, and no longer sought elsewhere, once it has come', () => {
    expect(new Set(tablesOf(come))).toEqual(new Set(['allowed_sources', 'dvr_to_src_mac', 'flood', 'neighbours', 'ports', 'switch']));
  });

  it('has its device and its plug already, the very ones that it keeps', () => {
    const [before, after] = [coming, come].map((view) => desiredOf(view, ids, new Map()));
    expect(before?.plugs).toEqual(after?.plugs);
    expect(before?.devices).toEqual(after?.devices);
    expect(before?.plugs.map(({ port: name }) => name)).toContain('vm1');
  });
});
