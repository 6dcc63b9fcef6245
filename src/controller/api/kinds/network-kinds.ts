/** How a network is told to lie on the wire. */
import type { Kind } from '../attribute.js';
import { networkTypes, type SegmentValue } from '../values.js';
import { integer, keysOf, oneOf, text } from './plain.js';

export const networkType = oneOf(networkTypes);
export const physicalNetwork = text(64);

/** The network of gophercloud's `segments`, where "" is its way to say that there is no physical network. */
export const segment: Kind<SegmentValue> = {
  parse: (value, attribute) => {
    const known = [
      'provider:network_type',
      'provider:physical_network',
      'provider:segmentation_id',
    ] as const;
    const fields = keysOf(value, attribute, [], known);
    const [type, wire, id] = known.map((key) => fields[key] ?? undefined);
    return {
      ...(type === undefined ? {} : { 'provider:network_type': networkType.parse(type, attribute) }),
      ...(wire === undefined || wire === ''
        ? {}
        : { 'provider:physical_network': physicalNetwork.parse(wire, attribute) }),
      ...(id === undefined ? {} : { 'provider:segmentation_id': integer.parse(id, attribute) }),
    };
  },
};
