/** Availability zones: there is one, under the name that Neutron gives its only one. */
import type { Kind } from '../attribute.js';
import { invalid } from '../faults.js';
import { list, oneOf } from '../kinds/plain.js';

export const AVAILABILITY_ZONE = 'nova';

const zone = oneOf([AVAILABILITY_ZONE]);

/** Where a client wants a thing to be; it may name the one zone. */
export const zoneHints: Kind<readonly string[]> = {
  parse: (value, attribute) => {
    if (Array.isArray(value) && value.length > 1)
      throw invalid(attribute, `there is no other zone than '${AVAILABILITY_ZONE}'`);
    return list(zone, 1).parse(value, attribute);
  },
};
