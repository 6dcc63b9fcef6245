#include "passages.hpp"

namespace dvr::bench {

using namespace dvr::test;

std::vector<Passage> passages() {
  Packet from_vm, from_router, from_tunnel;
  from_vm.in_port = kCn1.red.vm_port;
  from_router.in_port = kCn1.green.router_port;
  from_tunnel.in_port = kTunnelPort;
  from_tunnel.outer.vtep = kVtep1;
  const Layer inner = udp({}, payload(64));
  const Bytes same_subnet = ethernet({.src = kVm1.mac, .dst = kVm3.mac}, ipv4({.src = kVm1.ip, .dst = kVm3.ip}, inner));
  const auto to_gateway = [&](const Nic& vm) {
    return ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, ipv4({.src = kVm1.ip, .dst = vm.ip}, inner));
  };
  const Bytes routed =
      ethernet({.src = kGreenGateway.mac, .dst = kVm2.mac}, ipv4({.src = kVm1.ip, .dst = kVm2.ip}, inner));
  const Bytes from_dvr_mac = vxlan(
      kGreenVni, ethernet({.src = kDvrMac1, .dst = kVm2.mac}, ipv4({.src = kVm1.ip, .dst = kVm2.ip}, inner)));
  return {
      {"VM to tunnel, switched", *cn1(), StageId::classify, from_vm, same_subnet},
      {"VM to tunnel, routed in the fast path", *cn1_fast(), StageId::classify, from_vm, to_gateway(kVm2)},
      {"VM to VM, routed in the fast path", *cn1_fast(), StageId::classify, from_vm, to_gateway(kVm4)},
      {"router namespace to tunnel", *cn1(), StageId::classify, from_router, routed},
      {"tunnel to VM, switched", *cn2(), StageId::vxlan_decap, from_tunnel, vxlan(kRedVni, same_subnet)},
      {"tunnel to VM, routed", *cn2(), StageId::vxlan_decap, from_tunnel, from_dvr_mac},
  };
}

}  // namespace dvr::bench
