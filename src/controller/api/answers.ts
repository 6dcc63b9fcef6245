/** What a client of the Networking API is answered when anything went wrong: always in Neutron's shape. */
import { DvrError, type ErrorCode } from '../../model/errors.js';
import { NeutronFault, type FaultType } from './faults.js';

/** How a refusal that knows nothing of Neutron is told. */
const typeOfCode: Readonly<Record<ErrorCode, FaultType>> = {
  DVR_TOPOLOGY_INVALID: 'BadRequest',
  DVR_USAGE: 'BadRequest',
  DVR_NOT_FOUND: 'HTTPNotFound',
  DVR_CONFLICT: 'Conflict',
  DVR_ADDRESS_IN_USE: 'IpAddressAlreadyAllocated',
  DVR_ADDRESSES_EXHAUSTED: 'IpAddressGenerationFailure',
  DVR_VNI_EXHAUSTED: 'NoNetworkAvailable',
  DVR_MAC_EXHAUSTED: 'Conflict',
  DVR_LOCAL_VLAN_EXHAUSTED: 'Conflict',
  DVR_MTU_TOO_LARGE: 'InvalidInput',
  DVR_LAB_EXISTS: 'Conflict',
  DVR_NO_LAB: 'HTTPNotFound',
  DVR_NODE_UNREACHABLE: 'GatewayTimeout',
  DVR_CONTROLLER_UNREACHABLE: 'ServiceUnavailable',
  DVR_DATAPLANE_UNREACHABLE: 'ServiceUnavailable',
  DVR_DATAPLANE_REFUSED: 'ServiceUnavailable',
  DVR_NO_NETNS: 'HTTPNotFound',
  DVR_ATTACH_FAILED: 'ServiceUnavailable',
  DVR_SCRIPT_FAILED: 'ServiceUnavailable',
  DVR_KEY_INVALID: 'HTTPForbidden',
  DVR_CAPTURE_INVALID: 'BadRequest',
  DVR_STATE_UNREADABLE: 'ServiceUnavailable',
  DVR_STORE_UNREACHABLE: 'ServiceUnavailable',
  DVR_BUSY: 'ServiceUnavailable',
  DVR_TIMEOUT: 'GatewayTimeout',
};

/** Neutron's words where a request is of a wrong form altogether. */
export const MALFORMED =
  'The server could not comply with the request since it is either malformed or otherwise incorrect.';
const BROKEN = 'Request Failed: internal server error while processing your request.';

/** The fault to answer with; what is nobody's fault but ours keeps its words for the log. */
export function faultOf(error: unknown): NeutronFault {
  if (error instanceof NeutronFault) return error;
  if (error instanceof DvrError)
    return new NeutronFault(typeOfCode[error.code], `${error.message}; ${error.hint}`, error.hint);
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  if (status === 413)
    return new NeutronFault('HTTPRequestEntityTooLarge', (error as Error).message);
  if (typeof status === 'number' && status < 500) return new NeutronFault('HTTPBadRequest', MALFORMED);
  return new NeutronFault('HTTPInternalServerError', BROKEN);
}
