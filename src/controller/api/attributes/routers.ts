/** Attributes of routers; `dvr:` are ours. */
import { snatPaths } from '../../../model/node-view.js';
import { routingModes } from '../../../model/routing.js';
import { defaulted, laterOnly, optional, readOnly } from '../attribute.js';
import { boolean, oneOf, orNull, shown } from '../kinds/plain.js';
import { noFlavor } from '../kinds/absent.js';
import { gatewayInfo } from '../kinds/port-kinds.js';
import { routerRoutes } from '../kinds/subnet-kinds.js';
import { common } from './common.js';
import { zoneHints } from './zones.js';

export const routerAttributes = {
  ...common,
  admin_state_up: defaulted(boolean, true, 'FS', true),
  /** Absent or null: as the deployment has it. */
  distributed: optional(orNull(boolean), '', true),
  ha: optional(orNull(boolean), '', true),
  external_gateway_info: defaulted(gatewayInfo, null, '', true),
  routes: laterOnly(routerRoutes, ''),
  availability_zone_hints: defaulted(zoneHints, [], '', false),
  availability_zones: readOnly(shown),
  flavor_id: defaulted(noFlavor, null, 'S', false),
  status: readOnly(shown, 'FS'),
  /** Through which namespaces what leaves by source NAT goes. */
  'dvr:snat_path': defaulted(oneOf(snatPaths), 'router', '', true),
  /** Whether the fast path routes, or the router's namespace. */
  'dvr:routing': defaulted(oneOf(routingModes), 'auto', '', true),
} as const;
