/** Attributes of agents: all of them are the controller's to say. */
import { readOnly } from '../attribute.js';
import { boolean, shown } from '../kinds/plain.js';

export const agentAttributes = {
  id: readOnly(shown, 'F'),
  agent_type: readOnly(shown, 'F'),
  binary: readOnly(shown, 'F'),
  topic: readOnly(shown, 'F'),
  host: readOnly(shown, 'F'),
  alive: readOnly(boolean, 'F'),
  admin_state_up: readOnly(boolean, 'F'),
  availability_zone: readOnly(shown, 'F'),
  description: readOnly(shown, 'F'),
  configurations: readOnly(shown),
  created_at: readOnly(shown),
  started_at: readOnly(shown),
  heartbeat_timestamp: readOnly(shown),
  resources_synced: readOnly(shown),
} as const;
