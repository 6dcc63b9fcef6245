/** Attributes of networks. */
import { defaulted, hidden, optional, readOnly } from '../attribute.js';
import { boolean, integer, integerBetween, list, orNull, shown } from '../kinds/plain.js';
import { networkType, physicalNetwork, segment } from '../kinds/network-kinds.js';
import { zoneHints } from './zones.js';
import { MAX_MTU_BYTES } from '../../../model/limits.js';
import { common } from './common.js';

export const networkAttributes = {
  ...common,
  admin_state_up: defaulted(boolean, true, 'FS', true),
  shared: defaulted(boolean, false, 'F', true),
  'router:external': defaulted(boolean, false, 'F', true),
  is_default: defaulted(boolean, false, 'F', true),
  'provider:network_type': optional(networkType, 'F', false),
  'provider:physical_network': optional(orNull(physicalNetwork), 'F', false),
  'provider:segmentation_id': optional(integer, 'F', false),
  /** The same three in another way; gophercloud's. */
  segments: hidden(optional(list(segment, 1), '', false)),
  /** 0 asks for all that the underlay leaves. */
  mtu: defaulted(integerBetween(0, MAX_MTU_BYTES), 0, 'FS', true),
  port_security_enabled: defaulted(boolean, true, '', true),
  availability_zone_hints: defaulted(zoneHints, [], 'S', false),
  availability_zones: readOnly(shown),
  status: readOnly(shown, 'FS'),
  subnets: readOnly(shown),
  ipv4_address_scope: readOnly(shown),
  ipv6_address_scope: readOnly(shown),
} as const;
