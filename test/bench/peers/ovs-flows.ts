/**
 * The flows of a DVR in Open vSwitch, for one node. Pure; what comes out are lines for `ovs-ofctl`.
 *
 *   table 0  classify   which network: from the VM's port, or from the tunnel's VNI; kept in reg0
 *   table 1  gateway    answers ARP for gateways and VMs; frames for a gateway MAC are routed
 *   table 2  route      the way a router would: TTL, MACs, the other network
 *   table 3  deliver    to the VM's port, or through the tunnel to its node
 */
import { named, type Picture, type PictureNode, type PictureVm } from '../picture.js';

export const kTunnelPort = 100;
const kFirstVmPort = 11;

export const ofPortOf = (picture: Picture, vm: PictureVm): number => kFirstVmPort + picture.vms.indexOf(vm);

export function flowsOf(picture: Picture, node: PictureNode): string[] {
  const vniOf = (vm: PictureVm): number => named(picture.networks, vm.network).vni;
  const deliver = (vm: PictureVm): string => {
    if (vm.node === node.name) return `output:${ofPortOf(picture, vm)}`;
    const { vtep } = named(picture.nodes, vm.node);
    return `set_field:${vniOf(vm)}->tun_id,set_field:${vtep}->tun_dst,output:${kTunnelPort}`;
  };
  const route = (vm: PictureVm): string => {
    const { vni, gatewayMac } = named(picture.networks, vm.network);
    return `dec_ttl,set_field:${gatewayMac}->eth_src,set_field:${vm.mac}->eth_dst,set_field:${vni}->reg0`;
  };
  return [
    ...picture.vms.filter((vm) => vm.node === node.name).map((vm) => {
      const port = ofPortOf(picture, vm);
      return `table=0,priority=100,in_port=${port},actions=set_field:${vniOf(vm)}->reg0,goto_table:1`;
    }),
    ...picture.networks.flatMap(({ vni, gateway, gatewayMac }) => [
      `table=0,priority=100,in_port=${kTunnelPort},tun_id=${vni},actions=set_field:${vni}->reg0,goto_table:3`,
      arpAnswer(vni, gateway, gatewayMac),
      `table=1,priority=90,ip,reg0=${vni},dl_dst=${gatewayMac},actions=goto_table:2`,
    ]),
    ...picture.vms.flatMap((vm) => [
      arpAnswer(vniOf(vm), vm.ip, vm.mac),
      `table=2,priority=100,ip,nw_dst=${vm.ip},actions=${route(vm)},goto_table:3`,
      `table=3,priority=100,reg0=${vniOf(vm)},dl_dst=${vm.mac},actions=${deliver(vm)}`,
    ]),
    'table=1,priority=0,actions=goto_table:3',
  ];
}

/** A request becomes its own answer and goes back where it came from. */
function arpAnswer(vni: number, address: string, mac: string): string {
  const octets = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'));
  const match = `table=1,priority=100,arp,reg0=${vni},arp_op=1,arp_tpa=${address}`;
  return [
    `${match},actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]`,
    `set_field:${mac}->eth_src`, 'load:2->NXM_OF_ARP_OP[]', 'move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]',
    'move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[]', `load:0x${mac.replaceAll(':', '')}->NXM_NX_ARP_SHA[]`,
    `load:0x${octets.join('')}->NXM_OF_ARP_SPA[]`, 'in_port',
  ].join(',');
}
