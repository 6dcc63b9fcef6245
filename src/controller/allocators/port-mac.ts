/**
 * MACs of ports and router interfaces: unique in the whole cluster, since one node may hold any two of
 * them in one network.
 */
import { macOf, type MacAddress } from '../../model/addresses.js';
import { DvrError } from '../../model/errors.js';
import { PORT_MAC_OUI } from '../../model/limits.js';
import { lowestFree } from './lowest-free.js';

const LAST = 0xff_ffff;

/** MACs that are taken already, and shared by pools. */
export interface MacsTaken {
  readonly owners: ReadonlyMap<MacAddress, string>;
  /** All before this one are taken, by somebody. */
  readonly from: number;
  readonly foundFree: (number: number) => void;
}

/** The MACs of one state while a command works on it; it is thrown away with the command. */
export class PortMacPool {
  private readonly owners = new Map<MacAddress, string>();
  private next: number;

  constructor(
    private readonly taken: MacsTaken = { owners: new Map(), from: 1, foundFree: () => {} },
    private readonly last = LAST,
  ) {
    this.next = taken.from;
  }

  /** @throws DvrError DVR_ADDRESS_IN_USE where another owner has it. */
  claim(mac: MacAddress, owner: string): void {
    const other = this.ownerOf(mac);
    if (other !== undefined && other !== owner) {
      throw new DvrError(
        'DVR_ADDRESS_IN_USE',
        `the MAC ${mac} for ${owner} is ${other}'s`,
        'choose another one, or none to have one allocated',
      );
    }
    this.owners.set(mac, owner);
  }

  isFree(mac: MacAddress, owner: string): boolean {
    return (this.ownerOf(mac) ?? owner) === owner;
  }

  /** The lowest free one. @throws DvrError DVR_MAC_EXHAUSTED */
  allocate(owner: string): MacAddress {
    const has = (mac: MacAddress): boolean => this.ownerOf(mac) !== undefined;
    const isFirst = this.next === this.taken.from;
    const found = lowestFree(this.next, this.last, (n) => macOf(PORT_MAC_OUI, n), { has });
    if (found === undefined) {
      throw new DvrError(
        'DVR_MAC_EXHAUSTED',
        `no MAC of ${PORT_MAC_OUI} is free for ${owner}`,
        'delete ports that are not used',
      );
    }
    if (isFirst) this.taken.foundFree(found.next - 1);
    this.next = found.next;
    this.owners.set(found.value, owner);
    return found.value;
  }

  private ownerOf(mac: MacAddress): string | undefined {
    return this.owners.get(mac) ?? this.taken.owners.get(mac);
  }
}
