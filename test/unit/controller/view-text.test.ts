/** A view as a message: the same as JSON would write it, and never longer than a message may be. */
import { describe, expect, it } from 'vitest';
import type { ControllerState } from '../../../src/controller/intent.js';
import type { Command } from '../../../src/controller/state.js';
import { viewText } from '../../../src/controller/view-text.js';
import { viewsOf } from '../../../src/controller/views.js';
import type { IpAddress, MacAddress } from '../../../src/model/addresses.js';
import { MAX_VIEW_BYTES } from '../../../src/model/limits.js';
import type { Name } from '../../../src/model/identifiers.js';
import type { Port } from '../../../src/model/resources.js';
import { named, refusal, run, seedState } from './support.js';

const pair = { ip: '2001:db8:1111:2222:3333:4444:5555:6666' as IpAddress, mac: 'fa:16:3e:00:00:09' as MacAddress };

/** The seed with so many more ports bound to cn2, each with all the address pairs it may have. */
function withPorts(count: number): ControllerState {
  const state = seedState();
  const pairs = new Array(64).fill(pair) as Port['allowedAddressPairs'];
  const ports = Array.from({ length: count }, (_, at): [string, Port] => [`many${at}`, {
    name: `many${at}` as Name, network: named('red'), ips: [], mac: pair.mac, allowedAddressPairs: pairs,
    portSecurity: true, madeBy: 'attach', binding: { node: named('cn2'), boundAt: at },
  }]);
  return { ...state, intent: { ...state.intent, ports: new Map([...state.intent.ports, ...ports]) } };
}

describe('a view as text', () => {
  it('is the JSON of the view', () => {
    for (const view of viewsOf(seedState().intent).content.values()) {
      expect(JSON.parse(viewText({ ...view }))).toEqual(JSON.parse(JSON.stringify(view)));
    }
  });

  it('of all the ports there can be, with an address each, fits a message several times', () => {
    const [port] = seedState().intent.ports.values();
    expect(JSON.stringify(port).length * 65_536).toBeLessThan(MAX_VIEW_BYTES);
  });

  it('that would be longer than a message is an error of the command that makes it grow, not of others', () => {
    const state = withPorts(16_000);
    const grow: Command = { command: 'setAllowedPairs', name: 'vm1', pairs: [pair] };
    const error = refusal(state, grow);
    expect(error.code).toBe('DVR_CONFLICT');
    expect(error.message).toMatch(/^what node cn1 must know would take \d{8} bytes, more than 62914560$/);
    run(state, { command: 'deletePort', name: 'many0' });
    run(withPorts(1000), grow);
  });
});
