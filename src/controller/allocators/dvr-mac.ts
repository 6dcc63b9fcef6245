/**
 * DVR unique MACs: one for each node, put in place of gateway MACs on the wire (seed steps EW5 and EW7).
 *
 * A node keeps its MAC for good, also while it is out of the topology, because others may remember it.
 * The octets differ from those of ports, so no port can ever have one.
 */
import { macOf, type MacAddress } from '../../model/addresses.js';
import { DvrError } from '../../model/errors.js';
import { DVR_MAC_OUI } from '../../model/limits.js';
import { lowestFree } from './lowest-free.js';

const LAST = 0xff_ffff;

/** @throws DvrError DVR_MAC_EXHAUSTED */
export function allocateDvrMac(taken: ReadonlySet<MacAddress>, last = LAST): MacAddress {
  const found = lowestFree(1, last, (n) => macOf(DVR_MAC_OUI, n), taken);
  if (found !== undefined) return found.value;
  throw new DvrError(
    'DVR_MAC_EXHAUSTED',
    `all ${last} DVR MACs of ${DVR_MAC_OUI} are given to nodes`,
    'start a new cluster, or remove the state of nodes that will never return',
  );
}
