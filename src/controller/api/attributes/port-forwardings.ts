/** Attributes of a floating IP's port forwardings. */
import { forwardedProtocols } from '../../../model/resources.js';
import { defaulted, optional, readOnly } from '../attribute.js';
import { integerBetween, ip, oneOf, shown, text, uuid } from '../kinds/plain.js';
import type { Attribute, Kind } from '../attribute.js';

const portNumber = integerBetween(1, 65_535);

/** In every POST, and a PUT may change it. */
const changeable = <Value>(kind: Kind<Value>): Attribute<Value, 'required', true> => ({
  kind,
  post: 'required',
  put: true,
  filter: true,
  sort: true,
  visible: true,
});

export const portForwardingAttributes = {
  id: readOnly(shown, 'FS'),
  description: defaulted(text(), '', 'FS', true),
  protocol: changeable(oneOf(forwardedProtocols)),
  external_port: changeable(portNumber),
  internal_port: changeable(portNumber),
  internal_port_id: changeable(uuid),
  /** Absent: the port's first IPv4 address. */
  internal_ip_address: optional(ip, 'FS', true),
} as const;
