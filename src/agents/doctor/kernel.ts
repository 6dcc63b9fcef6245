/** What the kernel and the machine must have, and the switches of our namespaces that packets depend on. */
import { existsSync } from 'node:fs';
import { fail, ok, warn, type Finding } from '../../model/finding.js';
import type { Namespace } from '../../namespaces/namespace.js';
import { netnsPath } from '../../namespaces/netns-path.js';
import { said } from './command.js';

/** Until when another namespace is begun with, so that the answer comes in time. */
const kBeginMs = 2000;
/** The paths come as words. What this kernel does not have is not said. */
const kShow = `
  for path; do
    if [ -e "/proc/sys/$path" ]; then printf "%s=%s\\n" "$path" "$(cat "/proc/sys/$path")"; fi
  done`;

export async function examineKernel(namespaces: readonly Namespace[]): Promise<readonly Finding[]> {
  const found = [...await examineTools(), ...await examineSysctls(namespaces)];
  const count = String(namespaces.length);
  return found.length > 0 ? found
    : [ok('kernel', `TUN and nftables are there, and the sysctls of ${count} namespaces are as they are to be`)];
}

async function examineTools(): Promise<readonly Finding[]> {
  const nft = await said('nft', ['list', 'tables']);
  const conntrack = await said('conntrack', ['--version']);
  return [
    ...(existsSync('/dev/net/tun') ? [] : [fail('kernel', '/dev/net/tun is not there: no TAP can be opened', 'modprobe tun')]),
    ...(nft.code === 0 ? []
      : [fail('kernel', `nft does not work: ${nft.stderr.trim()}`, 'modprobe nf_tables; apt-get install nftables')]),
    ...(conntrack.code === 0 ? []
      : [fail('kernel', 'there is no conntrack: connections of moved addresses would not end', 'apt-get install conntrack')]),
  ];
}

async function examineSysctls(namespaces: readonly Namespace[]): Promise<readonly Finding[]> {
  const untilMs = performance.now() + kBeginMs;
  const found: Finding[] = [];
  let notLookedAt = 0;
  for (const { name, sysctls, devices } of namespaces) {
    const wanted = [...sysctls, ...devices.flatMap((device) => device.sysctls)];
    if (performance.now() > untilMs) ++notLookedAt;
    else found.push(...sysctlFindings(name, wanted, await sysctlsOf(name, wanted)));
  }
  if (notLookedAt === 0) return found;
  const what = `the sysctls of ${String(notLookedAt)} namespaces were not looked at: there was no time`;
  return [...found, warn('kernel', what, 'ask again')];
}

async function sysctlsOf(namespace: string, wanted: readonly string[]): Promise<string> {
  const paths = wanted.map((one) => one.split('=')[0] ?? '');
  return (await said('nsenter', [`--net=${netnsPath(namespace)}`, 'sh', '-c', kShow, 'sh', ...paths])).stdout;
}

/** @param shown a line `PATH=VALUE` for each that there is. */
export function sysctlFindings(namespace: string, wanted: readonly string[], shown: string): Finding[] {
  const now = new Map(shown.trim().split('\n').map((line): [string, string] => {
    const [path = '', value = ''] = line.split('=');
    return [path, value];
  }));
  return wanted.flatMap((one): Finding[] => {
    const [path = '', value = ''] = one.split('=');
    const found = now.get(path);
    if (found === undefined || found === value) return [];
    const name = path.replaceAll('/', '.');
    return [fail('kernel', `${name} is ${found} in ${namespace}, and must be ${value}`,
      `ip netns exec ${namespace} sysctl -w ${name}=${value}`)];
  });
}
