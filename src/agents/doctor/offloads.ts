/** What devices could do and do not: traffic passes all the same, more slowly. One setting breaks forwarding. */
import type { DataplaneHello, DeviceFeature } from '../../dataplane/interface.js';
import { fail, ok, warn, type Finding } from '../../model/finding.js';
import type { NodeView } from '../../model/node-view.js';
import { uplinks } from '../outside-devices.js';
import { said } from './command.js';
import { underlayDevice } from './underlay.js';

const wantedOfVtep: readonly DeviceFeature[] = ['udp_segment', 'udp_gro'];
const wantedOfTap: readonly DeviceFeature[] = ['csum', 'tso'];

export async function examineOffloads(view: NodeView, hello: DataplaneHello): Promise<readonly Finding[]> {
  const underlay = await underlayDevice(view.node.vtepIp);
  const nics = [...new Set([...(underlay === undefined ? [] : [underlay.name]), ...uplinks(view).map(({ device }) => device)])];
  const settings = await Promise.all(nics.map(async (nic) => nicFindings(nic, (await said('ethtool', ['--show-features', nic])).stdout)));
  const found = [...deviceFindings(hello), ...settings.flat()];
  return found.length > 0 ? found : [ok('offloads', `the VTEP, all TAPs and ${nics.join(', ')} take whole super-frames`)];
}

/** What the kernel did not let the dataplane have. */
export function deviceFindings({ devices }: Pick<DataplaneHello, 'devices'>): Finding[] {
  return devices.flatMap(({ spec, features }): Finding[] => {
    const wanted = spec.kind === 'vtep' ? wantedOfVtep : spec.kind === 'tap' ? wantedOfTap : [];
    const without = wanted.filter((feature) => !features.includes(feature));
    return without.length === 0 ? [] : [warn('offloads', `${spec.name} does without ${without.join(', ')}: more work for each packet`,
      'use a newer kernel, or start the dataplane without --without')];
  });
}

/** @param features what `ethtool -k` says. */
export function nicFindings(nic: string, features: string): Finding[] {
  const isOn = (feature: string): boolean | undefined => {
    const state = new RegExp(`^${feature}: (on|off)`, 'm').exec(features)?.[1];
    return state === undefined ? undefined : state === 'on';
  };
  return [
    ...(isOn('large-receive-offload') === true
      ? [fail('offloads', `${nic} joins packets that it should pass on (LRO)`, `ethtool -K ${nic} lro off`)] : []),
    ...(isOn('tx-checksumming') === false
      ? [warn('offloads', `${nic} has checksums computed by the CPU`, `ethtool -K ${nic} tx on, if the card can`)] : []),
  ];
}
