/**
 * The registry of every error an operator can meet: code, HTTP status, process exit code.
 * Guests and networks never cause these (that is a drop reason); our own mistakes are assertions.
 */
export const errorCodes = {
  DVR_TOPOLOGY_INVALID: { status: 400, exit: 1 },
  DVR_USAGE: { status: 400, exit: 1 },
  DVR_NOT_FOUND: { status: 404, exit: 1 },
  DVR_CONFLICT: { status: 409, exit: 1 },
  DVR_ADDRESS_IN_USE: { status: 409, exit: 1 },
  DVR_ADDRESSES_EXHAUSTED: { status: 409, exit: 1 },
  DVR_VNI_EXHAUSTED: { status: 409, exit: 1 },
  DVR_MAC_EXHAUSTED: { status: 409, exit: 1 },
  DVR_LOCAL_VLAN_EXHAUSTED: { status: 409, exit: 1 },
  DVR_MTU_TOO_LARGE: { status: 400, exit: 1 },
  DVR_LAB_EXISTS: { status: 409, exit: 1 },
  DVR_NO_LAB: { status: 404, exit: 5 },
  DVR_NODE_UNREACHABLE: { status: 504, exit: 4 },
  DVR_CONTROLLER_UNREACHABLE: { status: 503, exit: 5 },
  DVR_DATAPLANE_UNREACHABLE: { status: 503, exit: 5 },
  DVR_DATAPLANE_REFUSED: { status: 502, exit: 5 },
  DVR_NO_NETNS: { status: 404, exit: 1 },
  DVR_ATTACH_FAILED: { status: 502, exit: 5 },
  DVR_SCRIPT_FAILED: { status: 502, exit: 5 },
  DVR_KEY_INVALID: { status: 401, exit: 1 },
  DVR_CAPTURE_INVALID: { status: 400, exit: 1 },
  DVR_STATE_UNREADABLE: { status: 500, exit: 5 },
  DVR_STORE_UNREACHABLE: { status: 503, exit: 5 },
  DVR_BUSY: { status: 503, exit: 5 },
  DVR_TIMEOUT: { status: 504, exit: 5 },
} as const satisfies Record<string, { status: number; exit: number }>;

export type ErrorCode = keyof typeof errorCodes;

/**
 * An operator's error: says what is wrong with which value, and what to do next.
 *
 * @example
 * throw new DvrError('DVR_NOT_FOUND', 'no port is named "web"', 'see `dvr port list`');
 */
export class DvrError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DvrError';
    this.code = code;
    this.hint = hint;
  }

  get status(): number { return errorCodes[this.code].status; }
  get exitCode(): number { return errorCodes[this.code].exit; }

  /** The RFC 9457 problem document of this error. */
  toProblem(): { type: string; title: string; status: number; detail: string; code: ErrorCode; hint: string } {
    const { code, status, message: detail, hint } = this;
    return { type: `urn:dvr:error:${code}`, title: code, status, detail, code, hint };
  }
}
