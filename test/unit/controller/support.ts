/** Builders for controller tests: the seed's picture, and a state that commands are run on. */
import { DvrError } from '../../../src/model/errors.js';
import { parseTopology, type Topology } from '../../../src/model/topology.js';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { step, type Command } from '../../../src/controller/state.js';
import { parseName, type Name } from '../../../src/model/identifiers.js';

export const seedText = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes:
  cn1: { vtep: 172.16.0.11 }
  cn2: { vtep: 172.16.0.12 }
  nn1: { vtep: 172.16.0.21 }
networks:
  red:   { vni: 101, subnets: [10.1.0.0/24] }
  green: { vni: 102, subnets: [10.2.0.0/24] }
routers:
  r1: { networks: [red, green] }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ip: 10.2.0.14 }
`;

export const topologyOf = (text: string): Topology => parseTopology(text);

export function named(text: string): Name {
  const name = parseName(text);
  if (name === undefined) throw new Error(`${text} is no name`);
  return name;
}

/** The state after the commands; the first one that is refused is thrown. */
export function run(state: ControllerState, ...commands: readonly Command[]): ControllerState {
  return commands.reduce((before, command) => {
    const next = step(before, command);
    if (next instanceof DvrError) throw next;
    return next.state;
  }, state);
}

/** The error a command is refused with. */
export function refusal(state: ControllerState, command: Command): DvrError {
  const next = step(state, command);
  if (next instanceof DvrError) return next;
  throw new Error(`${command.command} was not refused`);
}

export const apply = (text: string): Command => ({
  command: 'applyTopology',
  topology: topologyOf(text),
});
export const bind = (name: string, node: string): Command => ({ command: 'bindPort', name, node });

export function attachCommand(
  name: string,
  where: { network?: string; node?: string } = {},
): Command {
  return {
    command: 'attachPort',
    name: named(name),
    ...where,
    attachment: { netns: `/run/netns/${name}`, ifname: 'eth0' },
  };
}

/** The seed's picture with its four VMs bound where they belong. */
export const seedState = (): ControllerState =>
  run(
    emptyState,
    apply(seedText),
    bind('vm1', 'cn1'),
    bind('vm2', 'cn2'),
    bind('vm3', 'cn2'),
    bind('vm4', 'cn1'),
  );
