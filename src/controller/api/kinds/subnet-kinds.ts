/** The kinds of values that subnets and routers have: pools, nameservers, routes. */
import type { IpAddress } from '../../../model/addresses.js';
import { MAX_ROUTES_PER_ROUTER } from '../../../model/limits.js';
import type { Kind } from '../attribute.js';
import { invalid, NeutronFault } from '../faults.js';
import { pythonLiteral, pythonText } from '../python-text.js';
import type { Pool, RouteValue } from '../values.js';
import { cidr, duplicateOf, ip, keysOf, list, nullAs } from './plain.js';

/** Neutron's numbers. */
export const MAX_DNS_SERVERS = 5;
export const MAX_HOST_ROUTES = 20;
/** A subnet with more holes than this is better described by two. */
export const MAX_POOLS = 64;
export const pools: Kind<readonly Pool[]> = {
  parse: (value, attribute) => {
    if (!Array.isArray(value))
      throw invalid(attribute, `Invalid data format for IP pool: '${pythonText(value)}'`);
    return list(pool, MAX_POOLS).parse(value, attribute);
  },
};

const pool: Kind<Pool> = {
  parse: (value, attribute) => {
    const fields = keysOf(value, attribute, ['start', 'end']);
    return { start: ip.parse(fields['start'], attribute), end: ip.parse(fields['end'], attribute) };
  },
};

export const nameservers: Kind<readonly IpAddress[]> = nullAs(
  {
    parse: (value, attribute) => {
      if (!Array.isArray(value))
        throw invalid(attribute, `Invalid data format for nameserver: '${pythonText(value)}'`);
      if (value.length > MAX_DNS_SERVERS)
        throw new NeutronFault(
          'DNSNameServersExhausted',
          `Unable to complete operation for new subnet. The number of DNS nameservers exceeds the limit ${MAX_DNS_SERVERS}.`,
        );
      const addresses = list(ip, MAX_DNS_SERVERS).parse(value, attribute);
      const twice = duplicateOf(addresses);
      if (twice !== undefined) throw invalid(attribute, `Duplicate nameserver '${twice}'`);
      return addresses;
    },
  },
  [],
);

const route: Kind<RouteValue> = {
  parse: (value, attribute) => {
    const fields = keysOf(value, attribute, ['destination', 'nexthop']);
    return {
      destination: cidr.parse(fields['destination'], attribute),
      nexthop: ip.parse(fields['nexthop'], attribute),
    };
  },
};

function routes(limit: number, exhausted: () => NeutronFault): Kind<readonly RouteValue[]> {
  return nullAs(
    {
      parse: (value, attribute) => {
        if (!Array.isArray(value))
          throw invalid(attribute, `Invalid data format for hostroute: '${pythonText(value)}'`);
        if (value.length > limit) throw exhausted();
        const found = list(route, limit).parse(value, attribute);
        const twice = duplicateOf(found.map(pythonLiteral));
        if (twice !== undefined) throw invalid(attribute, `Duplicate hostroute '${twice}'`);
        return found;
      },
    },
    [],
  );
}

export const hostRoutes = routes(
  MAX_HOST_ROUTES,
  () =>
    new NeutronFault(
      'HostRoutesExhausted',
      `Unable to complete operation for new subnet. The number of host routes exceeds the limit ${MAX_HOST_ROUTES}.`,
    ),
);

export const routerRoutes = routes(
  MAX_ROUTES_PER_ROUTER,
  () =>
    new NeutronFault(
      'RoutesExhausted',
      `Unable to complete operation. The number of routes exceeds the maximum ${MAX_ROUTES_PER_ROUTER}.`,
    ),
);
