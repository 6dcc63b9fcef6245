/**
 * VMs without offloads: what a guest is whose driver has none. Segmentation (TSO, GSO, USO) and receive
 * coalescing (GRO) of eth0 are off at both ends; checksums are still left to the device. The same for every
 * peer, and put back as it was.
 */
import { type Commands, inside } from './commands.js';

/** Short name for `ethtool -K`, and what `ethtool -k` calls it. */
const features: Readonly<Record<string, string>> = {
  tso: 'tcp-segmentation-offload',
  gso: 'generic-segmentation-offload',
  gro: 'generic-receive-offload',
  'tx-udp-segmentation': 'tx-udp-segmentation',
};

interface Ends { readonly commands: Commands; readonly path: { readonly from: string; readonly to: string } }

export async function withoutOffloads<Result>(
  { commands, path }: Ends, action: () => Promise<Result>,
): Promise<Result> {
  const namespaces = [path.from, path.to];
  const were = await Promise.all(namespaces.map(async (at) =>
    enabledOf(await commands.run(inside(at, 'ethtool', '-k', 'eth0')))));
  const set = async (value: 'on' | 'off'): Promise<void> => {
    for (const [index, at] of namespaces.entries()) {
      const words = (were[index] ?? []).flatMap((name) => [name, value]);
      if (words.length > 0) await commands.run(inside(at, 'ethtool', '-K', 'eth0', ...words));
    }
  };
  await set('off');
  try {
    return await action();
  } finally {
    if (!commands.signal.aborted) await set('on');
  }
}

/** Which of our features are on and may be changed, from what `ethtool -k` prints. */
export function enabledOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  return Object.entries(features).flatMap(([short, long]) => (lines.includes(`${long}: on`) ? [short] : []));
}
