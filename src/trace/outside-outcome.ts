/**
 * How a walk ended that left by a provider's wire, or went into a namespace of north-south and was not seen to
 * come out. Beyond the wire this cluster sees nothing: what it sends there for others is delivered.
 */
import { outKind, type Passage, type Walked } from './passage.js';
import { portText } from './sentences.js';
import type { WalkOutcome, WalkStep } from './walk-model.js';

/** Undefined where the packet ended at another kind of port. */
export function outsideOutcome(last: Passage, step: WalkStep, { names }: Walked): WalkOutcome | undefined {
  const kind = outKind(last);
  const { node } = step;
  const port = portText(last.trace.ids, last.last.outPort);
  const ip = last.end?.ip?.dst ?? '?';
  switch (kind) {
    case 'uplink': {
      const own = names.outsideAddress(ip);
      if (own === undefined) return { kind: 'delivered', to: `${ip}, outside, by ${port}`, node };
      return {
        kind: 'lost', step: step.step, missing: 'FI1', node,
        sentence: `${node} sent it to ${ip} (${own.what}) by ${port}; ${own.node} has not seen it`,
        hint: `on ${own.node}: tcpdump -n -i br-ex host ${ip}; then the provider's switch and its VLAN`,
      };
    }
    case 'snat': case 'gateway': return swallowed(step, port, `snat-${nameAt(last)}`, ip);
    case 'fip': return swallowed(step, port, `fip-${nameAt(last)}`, ip);
    default: return undefined;
  }
}

const nameAt = ({ trace, last }: Passage): string => trace.ids.ports.find(({ id }) => id === last.outPort)?.name ?? '?';

function swallowed({ step, node }: WalkStep, port: string, namespace: string, ip: string): WalkOutcome {
  const inside = `ip netns exec ${namespace}`;
  return {
    kind: 'lost', step, missing: 'the way out of the namespace', node,
    sentence: `${port} was given the packet, and nothing came out`,
    hint: `on ${node}: ${inside} ip route get ${ip}; ${inside} ip neigh show; ${inside} conntrack -L`,
  };
}
