/** Attributes of floating IPs; `dvr:` is ours. */
import { placements } from '../../../model/resources.js';
import { defaulted, hidden, readOnly, required } from '../attribute.js';
import { ip, oneOf, orNull, shown, uuid } from '../kinds/plain.js';
import { commonWithoutName } from './common.js';

export const floatingIpAttributes = {
  ...commonWithoutName,
  floating_network_id: required(uuid, 'FS'),
  floating_ip_address: defaulted(orNull(ip), null, 'FS', false),
  /** From which subnet of the network the address shall be; never shown. */
  subnet_id: hidden(defaulted(orNull(uuid), null, '', false)),
  port_id: defaulted(orNull(uuid), null, 'F', true),
  fixed_ip_address: defaulted(orNull(ip), null, 'FS', true),
  router_id: readOnly(shown, 'FS'),
  status: readOnly(shown, 'FS'),
  port_details: readOnly(shown),
  /** Where it is done: with the port, or on the router's network node. */
  'dvr:placement': defaulted(oneOf(placements), 'distributed', '', true),
} as const;
