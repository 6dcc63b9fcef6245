/** Kinds for what is not there: a client may say that it wants none, and is refused anything else. */
import type { Json, Kind } from '../attribute.js';
import { invalid, NeutronFault, notFound } from '../faults.js';
import { pythonText } from '../python-text.js';
import { isUuid, nullAs, uuid } from './plain.js';

/** There are no security groups: a port may say that it has none, and no more. */
export const noSecurityGroups: Kind<readonly string[]> = nullAs(
  {
    parse: (value, attribute) => {
      if (!Array.isArray(value)) throw invalid(attribute, `'${pythonText(value)}' is not a list`);
      const [first] = value as readonly unknown[];
      if (first === undefined) return [];
      if (!isUuid(first)) throw invalid(attribute, `'${pythonText(first)}' is not a valid UUID`);
      throw new NeutronFault('SecurityGroupNotFound', `Security group ${first} does not exist`);
    },
  },
  [],
);

/** There are no subnet pools: null may be said, and any other is unknown. */
export const noSubnetPool: Kind<null> = nothingBut((id) => notFound('subnetpool', id));

/** Nor flavors of routers. */
export const noFlavor: Kind<null> = nothingBut((id) =>
  invalid('flavor_id', `there is no flavor ${id}`),
);

function nothingBut(unknown: (id: string) => NeutronFault): Kind<null> {
  return {
    parse: (value, attribute) => {
      if (value === null) return null;
      throw unknown(uuid.parse(value, attribute));
    },
  };
}

/** A list that must be empty, `why` being said of what is in it. */
export function emptyList(why: string): Kind<readonly Json[]> {
  return nullAs(
    {
      parse: (value, attribute) => {
        if (!Array.isArray(value)) throw invalid(attribute, `'${pythonText(value)}' is not a list`);
        if (value.length > 0) throw invalid(attribute, why);
        return [];
      },
    },
    [],
  );
}
