/** Reads /proc/net/netstat of a VM: what its TCP stack noticed of the network. Pure. */

/** An acknowledgement showed that an earlier segment came later, without having been sent twice. */
const kReorderings = ['TCPSACKReorder', 'TCPRenoReorder', 'TCPTSReorder'];

/** How often order was lost, as the stack counts it. The file has a line of names before each line of values. */
export function reorderingsIn(netstat: string): number {
  const [names = [], values = []] = netstat.split('\n').filter((line) => line.startsWith('TcpExt:')).map((line) => line.split(' '));
  return kReorderings.reduce((sum, name) => sum + Number(values[names.indexOf(name)] ?? 0), 0);
}
