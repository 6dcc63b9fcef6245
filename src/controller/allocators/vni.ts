/** VNIs of networks that were declared without one. */
import { DvrError } from '../../model/errors.js';
import { MAX_VNI, MIN_VNI, type Vni } from '../../model/identifiers.js';
import { lowestFree } from './lowest-free.js';

/** @throws DvrError DVR_VNI_EXHAUSTED */
export function allocateVni(taken: ReadonlySet<Vni>, last = MAX_VNI): Vni {
  const found = lowestFree(MIN_VNI, last, (n) => n as Vni, taken);
  if (found !== undefined) return found.value;
  throw new DvrError(
    'DVR_VNI_EXHAUSTED',
    `all VNIs from ${MIN_VNI} to ${last} are taken`,
    'delete networks that are not used',
  );
}
