/** What bears a name of ours and is nobody's: of a node that was another before, or of somebody's experiments. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ok, warn, type Finding } from '../../model/finding.js';
import { netnsPath } from '../../namespaces/netns-path.js';
import { shown } from './command.js';

export interface Known {
  /** Namespaces that there are to be, and that we have built. */
  readonly namespaces: ReadonlySet<string>;
  /** Names of our TAPs while they stand in the node's own namespace. */
  readonly taps: ReadonlySet<string>;
}

const kNamespace = /^(qrouter|snat|fip)-/;
const kTap = /^tap\d+$/;
const kLinkEnd = /^(rfp|fpr)-/;

export async function examineLeftovers(known: Known): Promise<readonly Finding[]> {
  const links = (await shown('link', 'show')).map(({ ifname }) => String(ifname));
  return leftoverFindings(known, namespaceNames(), links);
}

export function leftoverFindings({ namespaces, taps }: Known, names: readonly string[], links: readonly string[]): Finding[] {
  const found = [
    ...names.filter((name) => kNamespace.test(name) && !namespaces.has(name))
      .map((name) => warn('leftovers', `namespace ${name} is nobody's`, `if you do not need it: ip netns del ${name}`)),
    ...links.filter((link) => (kTap.test(link) && !taps.has(link)) || kLinkEnd.test(link))
      .map((link) => warn('leftovers', `device ${link} is nobody's`, `if you do not need it: ip link del ${link}`)),
  ];
  return found.length > 0 ? found : [ok('leftovers', 'nothing is left over')];
}

function namespaceNames(): string[] {
  try {
    return readdirSync(dirname(netnsPath('any')));
  } catch {
    return []; // There never was one.
  }
}
