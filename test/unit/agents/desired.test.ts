import { describe, expect, it } from 'vitest';
import { desiredOf } from '../../../src/agents/desired.js';
import { allocateIds, noIds } from '../../../src/agents/local-ids.js';
import type { Attachment, NodeView } from '../../../src/model/node-view.js';

function viewWith(attachment: Attachment): NodeView {
  return {
    generation: 1, node: { name: 'cn2', vtepIp: '172.16.0.12', dvrMac: 'fa:16:3f:00:00:02' }, peers: [], routers: [],
    networks: [{
      name: 'red', vni: 101, mtuBytes: 1450, subnets: [{ cidr: '10.1.0.0/24' }], routerInterfaces: [], floodVteps: [],
      ports: [{ name: 'vm7', mac: 'fa:16:3e:00:00:07', ips: ['10.1.0.17'], node: 'cn2', allowedAddressPairs: [] }],
    }],
    localPorts: [{ name: 'vm7', network: 'red', portSecurity: true, attachment }],
  };
}

const wantedWith = (attachment: Attachment): ReturnType<typeof desiredOf> => {
  const view = viewWith(attachment);
  return desiredOf(view, allocateIds(noIds, view, new Set()).ids, new Map());
};

describe('a port of this node', () => {
  it('is a TAP of ours that is plugged in, where a namespace is named', () => {
    const { devices, plugs } = wantedWith({ netns: '/run/netns/vm7', ifname: 'eth0' });
    expect(devices).toContainEqual({ kind: 'tap', name: 'vm/vm7', portId: 16, mtuBytes: 1450 });
    expect(plugs.map(({ port }) => port)).toEqual(['vm7']);
  });

  it("is the node's own device, left where it is, where none is", () => {
    const { devices, plugs } = wantedWith({ ifname: 'tap0' });
    expect(devices).toContainEqual({ kind: 'uplink', name: 'vm/vm7', portId: 16, device: 'tap0', mtuBytes: 1450 });
    expect(plugs).toEqual([]);
  });
});
