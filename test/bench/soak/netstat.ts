/** Reads /proc/net/netstat of a VM: what its TCP stack noticed of the network. Pure. */

/** An acknowledgement showed that an earlier segment came later, without having been sent twice. */
const kReorderings = ['TCPSACKReorder', 'TCPRenoReorder', 'TCPTSReorder'];

/** How often order was lost, as the stack counts it. A line of names stands before each line of values. */
export function reorderingsIn(netstat: string): number {
  const lines = netstat.split('\n').filter((line) => line.startsWith('TcpExt:'));
  const [names = [], values = []] = lines.map((line) => line.split(' '));
  return kReorderings.reduce((sum, name) => sum + Number(values[names.indexOf(name)] ?? 0), 0);
}
