// Made by scripts/dev/generate.mjs from native/pipeline/pipeline.hpp and native/tables/rows.hpp; do not edit.

/** Every stage in packet order. */
export const stages = [
  {"id":0,"name":"vxlan_decap","bridge":"br-tun","next":["tun_to_lv","drop"],"tables":["vteps"],"seedSteps":["EW6"],"does":"takes the VXLAN header off, if a VTEP of this cloud sent it"},
  {"id":1,"name":"tun_to_lv","bridge":"br-tun","next":["classify","drop"],"tables":["tun_to_lv","vteps","flood_to_tun"],"seedSteps":["EW6"],"does":"strips the VNI and adds this node's local VLAN"},
  {"id":2,"name":"classify","bridge":"br-int","next":["dvr_to_src_mac","anti_spoof","arp_responder","find_router","drop"],"tables":["ports","dvr_macs","router_macs","vteps","ucast_to_tun","switch"],"seedSteps":["EW1","EW4","EW7"],"does":"tells VM, router, DVR MAC and other tunnel frames apart"},
  {"id":3,"name":"dvr_to_src_mac","bridge":"br-int","next":["output","drop"],"tables":["dvr_to_src_mac"],"seedSteps":["EW7"],"does":"turns the DVR MAC back into the gateway MAC and delivers"},
  {"id":4,"name":"anti_spoof","bridge":"br-int","next":["arp_responder","drop"],"tables":["allowed_sources","ports","neighbours","router_macs","dvr_macs"],"seedSteps":["EW1"],"does":"lets a VM speak only as itself"},
  {"id":5,"name":"arp_responder","bridge":"br-int","next":["ra_responder","find_router","output","drop"],"tables":["neighbours","ports"],"seedSteps":[],"does":"answers ARP and neighbour solicitations for known addresses"},
  {"id":6,"name":"ra_responder","bridge":"br-int","next":["find_router","output","drop"],"tables":["ra_responder","ports","networks"],"seedSteps":[],"does":"answers router solicitations in the name of the local copy of the router"},
  {"id":7,"name":"find_router","bridge":"br-int","next":["route","switch","drop"],"tables":["router_macs","ports"],"seedSteps":["EW1"],"does":"hands frames for a router MAC to the router"},
  {"id":8,"name":"route","bridge":"router","next":["switch","output","drop"],"tables":["routes","neighbours","networks"],"seedSteps":["EW2","EW3"],"does":"routes in the fast path, or hands the frame to the router namespace"},
  {"id":9,"name":"switch","bridge":"br-int","next":["flood","dvr_process","output","drop"],"tables":["switch"],"seedSteps":["EW4"],"does":"switches by destination MAC: local port, flood, or towards br-tun"},
  {"id":10,"name":"flood","bridge":"br-int","next":["dvr_process","output"],"tables":["flood","ports"],"seedSteps":[],"does":"gives broadcast and multicast to the network's local ports"},
  {"id":11,"name":"dvr_process","bridge":"br-tun","next":["ucast_to_tun","drop"],"tables":["router_macs","dvr_macs"],"seedSteps":["EW5"],"does":"replaces a router MAC as source by the node's DVR MAC"},
  {"id":12,"name":"ucast_to_tun","bridge":"br-tun","next":["flood_to_tun","vxlan_encap","drop"],"tables":["ucast_to_tun"],"seedSteps":["EW5"],"does":"finds the VTEP of the destination MAC"},
  {"id":13,"name":"flood_to_tun","bridge":"br-tun","next":["vxlan_encap","output"],"tables":["flood_to_tun"],"seedSteps":[],"does":"makes one copy for every other node with a port of the network"},
  {"id":14,"name":"vxlan_encap","bridge":"br-tun","next":["output","drop"],"tables":["networks"],"seedSteps":["EW5"],"does":"strips the local VLAN and puts the VXLAN header in front"},
] as const;

/** Every table; `id` is its number in a batch, key and value fields in encoding order. */
export const tables = [
  {"id":0,"name":"vteps","limit":4096,"key":[{"name":"vtep","type":"ip"}],"value":[{"name":"interop","type":"bool"}]},
  {"id":1,"name":"tun_to_lv","limit":4094,"key":[{"name":"vni","type":"vni"}],"value":[{"name":"local_vlan","type":"local_vlan"}]},
  {"id":2,"name":"ports","limit":4096,"key":[{"name":"port","type":"port"}],"value":[{"name":"kind","type":"port_kind"},{"name":"local_vlan","type":"local_vlan"},{"name":"mac","type":"mac"},{"name":"port_security","type":"bool"}]},
  {"id":3,"name":"dvr_macs","limit":4096,"key":[{"name":"mac","type":"mac"}],"value":[{"name":"own","type":"bool"},{"name":"vtep","type":"ip"}]},
  {"id":4,"name":"dvr_to_src_mac","limit":65536,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"mac","type":"mac"},{"name":"ip","type":"ip"}],"value":[{"name":"gateway_mac","type":"mac"},{"name":"port","type":"port"}]},
  {"id":5,"name":"allowed_sources","limit":262144,"key":[{"name":"port","type":"port"},{"name":"mac","type":"mac"},{"name":"ip","type":"ip"},{"name":"prefix_bits","type":"u16"}],"value":[]},
  {"id":6,"name":"neighbours","limit":262144,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"ip","type":"ip"}],"value":[{"name":"mac","type":"mac"},{"name":"router","type":"bool"}]},
  {"id":7,"name":"ra_responder","limit":65536,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"index","type":"u16"}],"value":[{"name":"gateway_mac","type":"mac"},{"name":"prefix","type":"ip"},{"name":"prefix_bits","type":"u16"},{"name":"autonomous","type":"bool"},{"name":"managed","type":"bool"}]},
  {"id":8,"name":"router_macs","limit":16384,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"mac","type":"mac"}],"value":[{"name":"namespace_port","type":"port"},{"name":"router","type":"router"}]},
  {"id":9,"name":"routes","limit":65536,"key":[{"name":"router","type":"router"},{"name":"prefix_bits","type":"u16"},{"name":"ip","type":"ip"}],"value":[{"name":"local_vlan","type":"local_vlan"},{"name":"gateway_mac","type":"mac"},{"name":"next_hop","type":"ip"},{"name":"to_namespace","type":"bool"}]},
  {"id":10,"name":"switch","limit":65536,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"mac","type":"mac"}],"value":[{"name":"port","type":"port"}]},
  {"id":11,"name":"flood","limit":4096,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"port","type":"port"}],"value":[]},
  {"id":12,"name":"ucast_to_tun","limit":1048576,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"mac","type":"mac"}],"value":[{"name":"vtep","type":"ip"},{"name":"learned","type":"bool"},{"name":"stale","type":"bool"}]},
  {"id":13,"name":"flood_to_tun","limit":262144,"key":[{"name":"local_vlan","type":"local_vlan"},{"name":"vtep","type":"ip"}],"value":[]},
  {"id":14,"name":"networks","limit":4094,"key":[{"name":"local_vlan","type":"local_vlan"}],"value":[{"name":"vni","type":"vni"},{"name":"mtu_bytes","type":"u16"}]},
] as const;

/** Why a packet goes no further. */
export const dropReasons = [
  {"name":"truncated","sentence":"a header ends before its length says","hint":"the sender: it makes broken frames"},
  {"name":"unknown_vtep","sentence":"VXLAN came from an address that is no VTEP of this cluster","hint":"dvr tables --bridge br-tun"},
  {"name":"bad_vxlan_header","sentence":"the VXLAN header has no valid VNI flag, or flags of another protocol","hint":"the sender: RFC 7348 section 5 wants the I flag and nothing else"},
  {"name":"unknown_vni","sentence":"no network of this node has the VNI","hint":"dvr tables --bridge br-tun"},
  {"name":"vtep_not_of_network","sentence":"an interop VTEP sent into a network it is no member of","hint":"the topology: interop_vteps"},
  {"name":"ecn_congestion","sentence":"congestion was marked outside a packet that cannot carry the mark (RFC 6040)","hint":"the underlay: it marks packets that are not ECN-capable"},
  {"name":"vlan_tagged","sentence":"the frame carries an 802.1Q tag; networks carry untagged frames (RFC 7348 section 6.1)","hint":"the guest's VLAN interfaces"},
  {"name":"unknown_port","sentence":"the frame came in by a port that has no row","hint":"dvr status: the agent has not programmed it yet"},
  {"name":"own_dvr_mac_from_tunnel","sentence":"a frame from the tunnel claims this node's own DVR MAC","hint":"a second node with this node's name"},
  {"name":"dvr_mac_of_other_vtep","sentence":"a frame from the tunnel has the DVR MAC of another node than the one that sent it","hint":"the sending VTEP, or the underlay: who else speaks from its address"},
  {"name":"router_advertisement_from_tunnel","sentence":"a router advertisement came from an interop VTEP; the local router copy's is the only one","hint":"the sending VTEP, or what lives behind it: RFC 6105"},
  {"name":"router_mac_from_tunnel","sentence":"a frame from the tunnel has a router MAC as source","hint":"the sending VTEP: it does not speak DVR"},
  {"name":"dvr_mac_not_to_local_port","sentence":"a frame from a DVR MAC goes to no port of this node","hint":"dvr tables --bridge br-int: the port has moved or is gone"},
  {"name":"to_router_from_tunnel","sentence":"a frame from the tunnel is addressed to a router MAC; routing is the sender's node's work","hint":"the sending VTEP: it does not speak DVR"},
  {"name":"spoofed_mac","sentence":"the source MAC is not one of the port's","hint":"dvr port list; allowed address pairs"},
  {"name":"router_mac_from_vm","sentence":"a VM uses a router MAC as source","hint":"the guest"},
  {"name":"dvr_mac_from_vm","sentence":"a VM uses a DVR MAC as source","hint":"the guest"},
  {"name":"spoofed_ip","sentence":"the source IP address is not one of the port's","hint":"dvr port list; allowed address pairs"},
  {"name":"spoofed_arp","sentence":"the ARP sender is not one of the port's addresses","hint":"dvr port list; allowed address pairs"},
  {"name":"spoofed_nd","sentence":"the neighbour advertisement's target is not one of the port's addresses","hint":"dvr port list; allowed address pairs"},
  {"name":"router_advertisement_from_vm","sentence":"a VM sent a router advertisement","hint":"the guest; RFC 6105"},
  {"name":"hidden_header","sentence":"IPv6 extension headers hide what the packet is (RFC 7113, RFC 6980)","hint":"the guest"},
  {"name":"bad_source_address","sentence":"the source MAC is a group address or zero","hint":"the sender"},
  {"name":"unknown_target_from_router","sentence":"the router asks for an address that no port has","hint":"dvr tables: neighbours"},
  {"name":"router_not_here","sentence":"the frame is for a router that has no copy on this node","hint":"dvr status: the l3 agent has not built it yet"},
  {"name":"back_to_sender","sentence":"the frame would leave by the port it came in by","hint":"the guest: it sends to its own address"},
  {"name":"split_horizon","sentence":"what came in by the tunnel does not leave by it","hint":"dvr tables: the port has moved"},
  {"name":"router_mac_to_wire","sentence":"the frame is addressed to a router MAC and may not leave the node","hint":"nothing: this is right"},
  {"name":"unknown_unicast","sentence":"no node is known to have the destination MAC","hint":"dvr tables: ucast_to_tun"},
  {"name":"no_dvr_mac","sentence":"this node has no DVR MAC yet","hint":"dvr status: the agent has not programmed it yet"},
  {"name":"over_mtu","sentence":"the packet is larger than the network's MTU","hint":"the guest's MTU"},
  {"name":"no_underlay","sentence":"this node has no VTEP socket","hint":"dvr status"},
  {"name":"port_gone","sentence":"the port's device is gone","hint":"dvr port list"},
  {"name":"port_down","sentence":"the port's device is down","hint":"the guest: its interface is not up"},
  {"name":"port_refused","sentence":"the kernel did not take the frame for the port's device","hint":"the device's statistics: ip -s link"},
  {"name":"send_failed","sentence":"the kernel refused to send to the underlay","hint":"dvr status: the underlay's route and MTU"},
] as const;

/** What the workers count of themselves. */
export const engineCounters = [
  {"name":"passes","sentence":"turns of a worker's loop that served something"},
  {"name":"wake_ups","sentence":"sleeps that ended"},
  {"name":"spins","sentence":"looks for packets without sleeping that found none"},
  {"name":"spins_found_work","sentence":"turns that came after such looks: each is a sleep and a wake-up less"},
  {"name":"sends","sentence":"system calls that sent to the tunnel"},
  {"name":"trains","sentence":"sends of several packets at once by UDP_SEGMENT"},
  {"name":"train_packets","sentence":"packets in them"},
  {"name":"longest_train","sentence":"packets in the longest of them"},
  {"name":"trains_refused","sentence":"source ports that send packet by packet since the kernel refused a train (EIO)"},
  {"name":"super_frames_in","sentence":"TSO and USO frames that VMs and routers gave"},
  {"name":"segments_cut","sentence":"tunnel packets that such frames were cut into"},
  {"name":"runs","sentence":"super-frames joined here and written at once"},
  {"name":"run_packets","sentence":"packets in them"},
  {"name":"run_bytes","sentence":"bytes of them"},
  {"name":"longest_run","sentence":"packets in the longest of them"},
] as const;

export type StageName = (typeof stages)[number]['name'];
export type TableName = (typeof tables)[number]['name'];
export type DropReasonName = (typeof dropReasons)[number]['name'];
