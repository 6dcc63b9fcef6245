/** What the processes of agents are told, and tell. Times are milliseconds of CLOCK_MONOTONIC, which all processes share. */
export interface AgentPlace { readonly node: string; readonly vtepIp: string }

export type Order =
  | { readonly order: 'start'; readonly address: string; readonly agents: readonly AgentPlace[] }
  /** Tell when a port of that network is in the view of each agent that knows the network. */
  | { readonly order: 'watch'; readonly network: string; readonly port: string }
  /** All connections are closed at once and made anew. */
  | { readonly order: 'reconnect' };

export type Told =
  /** All agents have a whole view of their present connection. */
  | { readonly told: 'whole'; readonly atMs: number; readonly bytes: number }
  | { readonly told: 'watching'; readonly knowing: number }
  | { readonly told: 'seen'; readonly port: string; readonly node: string; readonly atMs: number };

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
