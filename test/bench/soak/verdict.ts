/** What a soak run has shown, as faults: none is a success. Pure. */
import type { Growth } from './growth.js';
import type { Tally } from './loads.js';

/**
 * Bulk TCP fills every queue and CPU there is, and a busy machine drops the rest, so loss is told and not
 * judged. Beyond this a way is broken rather than busy, and what came in order proves little.
 */
export const kMostLoss = 0.5;
/** A walk's single packet may be the one that is lost. */
export const kLeastWalksDelivered = 0.5;

export interface Evidence {
  readonly tally: Tally;
  readonly growth: readonly Growth[];
  /** How often a VM's TCP stack found that the network had changed the order of segments. */
  readonly tcpReorderings: number;
}

export function faultsOf({ tally, growth, tcpReorderings }: Evidence): string[] {
  const udpLoss = lossOf(tally.udpSent, tally.udpReceived);
  const pingLoss = lossOf(tally.pingsSent, tally.pingsAnswered);
  return [
    ...(tally.udpReordered > 0 ? [`${tally.udpReordered} UDP packets out of order within their flow`] : []),
    ...(tcpReorderings > 0 ? [`TCP found segments out of order ${tcpReorderings} times`] : []),
    ...(udpLoss > kMostLoss ? [`${percent(udpLoss)} of UDP packets lost (allowed ${percent(kMostLoss)})`] : []),
    ...(pingLoss > kMostLoss ? [`${percent(pingLoss)} of pings lost (allowed ${percent(kMostLoss)})`] : []),
    ...(tally.tcpGb > 0 ? [] : ['no byte came through by TCP']),
    ...(tally.attachments > 0 ? [] : ['no port came and went']),
    ...(tally.walksDelivered < kLeastWalksDelivered * tally.walks || tally.walks === 0
      ? [`only ${tally.walksDelivered} of ${tally.walks} walks were delivered`] : []),
    ...growth.flatMap(({ faults }) => faults),
  ];
}

export function tallyText(tally: Tally): string {
  return [
    `TCP ${tally.tcpGb.toFixed(1)} GB`,
    `UDP ${tally.udpSent} sent, ${tally.udpSent - tally.udpReceived} lost, ${tally.udpReordered} out of order`,
    `pings ${tally.pingsAnswered}/${tally.pingsSent}`,
    `walks ${tally.walksDelivered}/${tally.walks}`,
    `ports ${tally.attachments}`,
  ].join('; ');
}

/** Nothing sent is everything lost: a load that never ran proves nothing. */
const lossOf = (sent: number, arrived: number): number => (sent === 0 ? 1 : 1 - arrived / sent);
const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
