/**
 * What a client of the Networking API is told when it is refused: Neutron's own type, code and words, so
 * that tools written for Neutron know what to do. It is a DvrError as well: commands may be refused with
 * it, and the other API shows it as a problem.
 */
import { DvrError, type ErrorCode } from '../../model/errors.js';

/** Every type there is, by its status code. */
const typesByStatus = {
  400: [
    'AllowedAddressPairExhausted',
    'AllowedAddressPairsMissingIP',
    'BadRequest',
    'DNSNameServersExhausted',
    'DuplicateAddressPairInRequest',
    'HostRoutesExhausted',
    'HTTPBadRequest',
    'InvalidAllocationPool',
    'InvalidInput',
    'InvalidIpForNetwork',
    'InvalidIpForSubnet',
    'InvalidRoutes',
    'OutOfBoundsAllocationPool',
    'RoutesExhausted',
  ],
  403: ['HTTPForbidden'],
  404: [
    'AddressScopeNotFound',
    'AgentNotFound',
    'ExtensionNotFound',
    'ExternalGatewayForFloatingIPNotFound',
    'FloatingIPNotFound',
    'HTTPNotFound',
    'InvalidL3Agent',
    'NetworkNotFound',
    'PortForwardingNotFound',
    'PortNotFound',
    'RouterInterfaceNotFound',
    'RouterInterfaceNotFoundForSubnet',
    'RouterNotFound',
    'SecurityGroupNotFound',
    'SubnetNotFound',
    'SubnetPoolNotFound',
    'TagNotFound',
    'TagResourceNotFound',
  ],
  405: ['HTTPMethodNotAllowed'],
  406: ['HTTPNotAcceptable'],
  409: [
    'AddressPairAndPortSecurityRequired',
    'Conflict',
    'DVRL3CannotAssignToDvrAgent',
    'ExternalNetworkInUse',
    'FlatNetworkInUse',
    'FloatingIPPortAlreadyAssociated',
    'GatewayConflictWithAllocationPools',
    'GatewayIpInUse',
    'IpAddressAlreadyAllocated',
    'IpAddressGenerationFailure',
    'MacAddressInUse',
    'NetworkInUse',
    'NoNetworkAvailable',
    'OverlappingAllocationPools',
    'OverQuota',
    'PortBound',
    'PortInUse',
    'RouterExternalGatewayInUseByFloatingIp',
    'RouterInterfaceInUseByFloatingIP',
    'RouterInterfaceInUseByRoute',
    'RouterInUse',
    'RouterNotHostedByL3Agent',
    'ServicePortInUse',
    'SubnetInUse',
    'TunnelIdInUse',
    'VlanIdInUse',
  ],
  412: ['RevisionNumberConstraintFailed'],
  413: ['HTTPRequestEntityTooLarge'],
  500: ['HTTPInternalServerError'],
  503: ['ServiceUnavailable'],
  504: ['GatewayTimeout'],
} as const satisfies Readonly<Record<number, readonly string[]>>;

type Status = keyof typeof typesByStatus;
export type FaultType = (typeof typesByStatus)[Status][number];

const statusOfType = new Map<string, Status>(
  (Object.keys(typesByStatus).map(Number) as Status[]).flatMap((status) =>
    typesByStatus[status].map((type): [string, Status] => [type, status]),
  ),
);

const codeOfStatus: Readonly<Record<Status, ErrorCode>> = {
  400: 'DVR_USAGE',
  403: 'DVR_USAGE',
  404: 'DVR_NOT_FOUND',
  405: 'DVR_USAGE',
  406: 'DVR_USAGE',
  409: 'DVR_CONFLICT',
  412: 'DVR_CONFLICT',
  413: 'DVR_USAGE',
  500: 'DVR_STATE_UNREADABLE',
  503: 'DVR_CONTROLLER_UNREACHABLE',
  504: 'DVR_TIMEOUT',
};

/**
 * @example
 * throw new NeutronFault('NetworkNotFound', `Network ${id} could not be found.`);
 */
export class NeutronFault extends DvrError {
  private readonly faultStatus: Status;

  constructor(
    readonly type: FaultType,
    message: string,
    hint = 'nothing was changed',
  ) {
    const status = statusOfType.get(type) ?? 500;
    super(codeOfStatus[status], message, hint);
    this.name = 'NeutronFault';
    this.faultStatus = status;
  }

  override get status(): number {
    return this.faultStatus;
  }

  toBody(): { readonly NeutronError: { type: string; message: string; detail: string } } {
    return { NeutronError: { type: this.type, message: this.message, detail: '' } };
  }
}

/** An attribute's value that cannot be: "Invalid input for mtu. Reason: '-1' should be non-negative." */
export function invalid(attribute: string, reason: string): NeutronFault {
  return new NeutronFault('HTTPBadRequest', `Invalid input for ${attribute}. Reason: ${reason}.`);
}

export function invalidInput(reason: string): NeutronFault {
  return new NeutronFault('InvalidInput', `Invalid input for operation: ${reason}.`);
}

/** The words for what is not there differ by a full stop; python-neutronclient's users grep for them. */
const notFoundWords = {
  network: ['NetworkNotFound', 'Network', '.'],
  subnet: ['SubnetNotFound', 'Subnet', '.'],
  port: ['PortNotFound', 'Port', '.'],
  router: ['RouterNotFound', 'Router', ''],
  floatingip: ['FloatingIPNotFound', 'Floating IP', ''],
  port_forwarding: ['PortForwardingNotFound', 'Port Forwarding', '.'],
  agent: ['AgentNotFound', 'Agent', '.'],
  subnetpool: ['SubnetPoolNotFound', 'Subnet pool', '.'],
  address_scope: ['AddressScopeNotFound', 'Address scope', '.'],
} as const;

export function notFound(singular: keyof typeof notFoundWords, id: string): NeutronFault {
  const [type, noun, stop] = notFoundWords[singular];
  return new NeutronFault(type, `${noun} ${id} could not be found${stop}`);
}
