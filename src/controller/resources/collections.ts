/** The resources as the Networking API lists them. */
import type { ApiResource, Collection, Collections } from '../api/collection.js';
import type { ControllerState } from '../intent.js';
import { recordById, type ResourceRecord } from '../records.js';
import type { Kind } from '../resource-index.js';
import { listForwardings } from './port-forwardings.js';
import { showFloatingIp } from './floating-ips.js';
import { showNetwork } from './networks.js';
import { showPort } from './show-port.js';
import { showRouter } from './routers.js';
import { showSubnet } from './subnets.js';

type Show = (state: ControllerState, record: ResourceRecord) => ApiResource | undefined;

function collection(kind: Kind, show: Show): Collection {
  return {
    list: (state) => {
      const found: ApiResource[] = [];
      for (const record of state.intent.records.values()) {
        const resource = record.kind === kind ? show(state, record) : undefined;
        if (resource !== undefined) found.push(resource);
      }
      return found;
    },
    find: (state, id) => {
      const record = recordById(state.intent, kind, id);
      return record && show(state, record);
    },
  };
}

export const collections: Collections = {
  networks: collection('network', showNetwork),
  subnets: collection('subnet', showSubnet),
  ports: collection('port', showPort),
  routers: collection('router', showRouter),
  floatingips: collection('floatingip', showFloatingIp),
  port_forwardings: { list: listForwardings },
};
