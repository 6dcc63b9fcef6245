/** The kinds of values only ports and ways out have: fixed addresses, address pairs, a binding's profile. */
import { parseCidr, type Cidr, type IpAddress } from '../../../model/addresses.js';
import { MAX_ADDRESS_PAIRS_PER_PORT, MAX_IPS_PER_PORT } from '../../../model/limits.js';
import { isRecord } from '../../../model/untrusted.js';
import type { Json, Kind } from '../attribute.js';
import { invalid, invalidInput, NeutronFault } from '../faults.js';
import { pythonText } from '../python-text.js';
import type { AddressPair, FixedIp, GatewayInfo } from '../values.js';
import { boolean, cidr, duplicateOf, ip, keysOf, list, mac, nullAs, uuid } from './plain.js';

/** What a client may keep in a port's binding:profile. */
const MAX_PROFILE_LENGTH = 4_095;

export const fixedIps: Kind<readonly FixedIp[]> = {
  parse: (value, attribute) => {
    if (!Array.isArray(value))
      throw invalid(attribute, `Invalid data format for fixed IP: '${pythonText(value)}'`);
    const items = list(fixedIp, MAX_IPS_PER_PORT).parse(value, attribute);
    const addresses = items.flatMap(({ ip_address }) => ip_address ?? []);
    const twice = duplicateOf(addresses);
    if (twice !== undefined) throw invalid(attribute, `Duplicate IP address '${twice}'`);
    return items;
  },
};

const fixedIp: Kind<FixedIp> = {
  parse: (value, attribute) => {
    if (!isRecord(value))
      throw invalid(attribute, `Invalid data format for fixed IP: '${pythonText(value)}'`);
    const fields = keysOf(value, attribute, [], ['subnet_id', 'ip_address']);
    const [subnet, address] = [fields['subnet_id'] ?? undefined, fields['ip_address'] ?? undefined];
    if (subnet === undefined && address === undefined)
      throw invalidInput('IP allocation requires subnet_id or ip_address');
    return {
      ...(subnet === undefined ? {} : { subnet_id: uuid.parse(subnet, attribute) }),
      ...(address === undefined ? {} : { ip_address: ip.parse(address, attribute) }),
    };
  },
};

export const addressPairs: Kind<readonly AddressPair[]> = nullAs(
  {
    parse: (value, attribute) => {
      if (!Array.isArray(value)) throw invalid(attribute, `'${pythonText(value)}' is not a list`);
      if (value.length > MAX_ADDRESS_PAIRS_PER_PORT)
        throw new NeutronFault(
          'AllowedAddressPairExhausted',
          `The number of allowed address pair exceeds the maximum ${MAX_ADDRESS_PAIRS_PER_PORT}.`,
        );
      const pairs = list(addressPair, MAX_ADDRESS_PAIRS_PER_PORT).parse(value, attribute);
      const twice = duplicateOf(
        pairs.map(
          (pair) => `mac_address ${pair.mac_address ?? 'None'} ip_address ${pair.ip_address}`,
        ),
      );
      if (twice !== undefined)
        throw new NeutronFault(
          'DuplicateAddressPairInRequest',
          `Request contains duplicate address pair: ${twice}.`,
        );
      return pairs;
    },
  },
  [],
);

const addressPair: Kind<AddressPair> = {
  parse: (value, attribute) => {
    const fields = keysOf(value, attribute, [], ['ip_address', 'mac_address']);
    const [address, owner] = [fields['ip_address'] ?? undefined, fields['mac_address'] ?? undefined];
    if (address === undefined)
      throw new NeutronFault(
        'AllowedAddressPairsMissingIP',
        'AllowedAddressPair must contain ip_address',
      );
    return {
      ip_address: ipOrCidr.parse(address, attribute),
      ...(owner === undefined ? {} : { mac_address: mac.parse(owner, attribute) }),
    };
  },
};

const ipOrCidr: Kind<IpAddress | Cidr> = {
  parse: (value, attribute) =>
    typeof value === 'string' && parseCidr(value).kind !== 'malformed'
      ? cidr.parse(value, attribute)
      : ip.parse(value, attribute),
};

/** null and {} both say that there is no way out; clients send either. */
export const gatewayInfo: Kind<GatewayInfo | null> = {
  parse: (value, attribute) => {
    if (value === null || (isRecord(value) && Object.keys(value).length === 0)) return null;
    const known = ['network_id', 'enable_snat', 'external_fixed_ips'];
    const fields = keysOf(value, attribute, ['network_id'], known);
    const [snat, fixed] = [fields['enable_snat'], fields['external_fixed_ips']];
    return {
      network_id: uuid.parse(fields['network_id'], attribute),
      ...(snat === undefined ? {} : { enable_snat: boolean.parse(snat, attribute) }),
      ...(fixed === undefined ? {} : { external_fixed_ips: fixedIps.parse(fixed, attribute) }),
    };
  },
};

/** Anything a client keeps with a port for itself. */
export const profile: Kind<Readonly<Record<string, Json>>> = nullAs(
  {
    parse: (value, attribute) => {
      if (!isRecord(value)) throw invalid(attribute, `'${pythonText(value)}' is not a dictionary`);
      if (JSON.stringify(value).length > MAX_PROFILE_LENGTH)
        throw invalid(attribute, `it exceeds the maximum length of ${MAX_PROFILE_LENGTH}`);
      return value as Readonly<Record<string, Json>>;
    },
  },
  {},
);
