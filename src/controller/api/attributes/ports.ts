/** Attributes of ports. */
import { defaulted, optional, readOnly, required } from '../attribute.js';
import { boolean, mac, oneOf, orNull, shown, text, uuid } from '../kinds/plain.js';
import { emptyList, noSecurityGroups } from '../kinds/absent.js';
import { addressPairs, fixedIps, profile } from '../kinds/port-kinds.js';
import { common } from './common.js';

export const portAttributes = {
  ...common,
  network_id: required(uuid, 'FS'),
  admin_state_up: defaulted(boolean, true, 'FS', true),
  /** Absent or null: one is allocated. */
  mac_address: optional(orNull(mac), 'FS', true),
  /** Absent: one of each address family as the network has it. []: none. */
  fixed_ips: optional(fixedIps, 'F', true),
  device_id: defaulted(text(), '', 'FS', true),
  device_owner: defaulted(text(), '', 'FS', true),
  security_groups: defaulted(noSecurityGroups, [], 'F', true),
  /** Absent: as the network has it. */
  port_security_enabled: optional(boolean, '', true),
  allowed_address_pairs: defaulted(addressPairs, [], '', true),
  extra_dhcp_opts: defaulted(
    emptyList('there is no DHCP server here that could say it'),
    [],
    '',
    true,
  ),
  /** The node; null and "" unbind. */
  'binding:host_id': optional(orNull(text()), 'F', true),
  'binding:vnic_type': defaulted(oneOf(['normal']), 'normal', '', true),
  'binding:profile': defaulted(profile, {}, '', true),
  'binding:vif_type': readOnly(shown),
  'binding:vif_details': readOnly(shown),
  status: readOnly(shown, 'FS'),
} as const;
