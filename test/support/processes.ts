/** The lab's processes, for tests that kill them and do not want them back at once. */
import { requireRecord } from '../../src/lab/record.js';
import { roleHolders } from '../../src/lab/processes.js';

/** Pids of a node's dataplane and agents, or of the process of that role. */
export function processesOf(name: string): number[] {
  return [...roleHolders(requireRecord().id)].flatMap(([role, pid]) => (role === name || role.endsWith(` ${name}`) ? [pid] : []));
}

/** Nothing that ends is started again until the body is done. */
export async function withoutSupervisor(body: () => Promise<void>): Promise<void> {
  const [supervisor] = processesOf('supervisor');
  if (supervisor === undefined) throw new Error('the lab has no supervisor');
  process.kill(supervisor, 'SIGSTOP');
  try {
    await body();
  } finally {
    process.kill(supervisor, 'SIGCONT');
  }
}
