// Every drop reason is reached: one row a reason, with a frame that meets it.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "walk.hpp"

namespace dvr::test {
namespace {

// How a reason is met: through the whole pipeline where a packet can get there, else by its one stage.
struct Way {
  DropReason reason;
  std::string (*drop)();
};

// The reasons that only the worker gives, because they are about devices and not about packets: each is counted
// in a test case of worker_test.cc or gates_test.cc.
constexpr DropReason kByTheWorker[] = {DropReason::no_underlay, DropReason::port_gone,    DropReason::port_down,
                                       DropReason::gate_closed, DropReason::port_refused, DropReason::send_failed};

std::string source_of_worker_tests() {
  std::string source;
  for (const char* name : {"worker_test.cc", "gates_test.cc"}) {
    std::string path = __FILE__;
    path.replace(path.rfind('/') + 1, std::string::npos, name);
    std::ifstream file(path);
    source.append(std::istreambuf_iterator<char>(file), {});
  }
  return source;
}

Bytes plain(const MacAddr& src, const MacAddr& dst) { return ethernet({src, dst}, {0x88cc, Bytes(20)}); }
std::string by_vm1(const Bytes& frame) { return walk(*cn1(), kCn1.red.vm_port, frame).text; }
std::string by_router(const Bytes& frame) { return walk(*cn1(), kCn1.green.router_port, frame).text; }
std::string by_tunnel(const Bytes& frame, uint8_t tos = 0) {
  return walk(*cn1(), Arrival(kVtep2, tos), vxlan(kRedVni, frame)).text;
}
std::string by_wire(const Bytes& frame) { return walk(*cn1_outside(), kUplink, frame).text; }
Bytes vm1_says(const Layer& inner, const MacAddr& dst = kVm3.mac) { return ethernet({kVm1.mac, dst}, inner); }
Layer v6(const Layer& inner) { return ipv6({.src = kVm1.ip6, .dst = "ff02::1"_ip, .hop_limit = 255}, inner); }

using R = DropReason;
const Way kWays[] = {
    {R::truncated, [] { return by_vm1(Bytes(10)); }},
    {R::unknown_vtep,
     [] { return walk(*cn1(), "192.0.2.1"_ip, vxlan(kRedVni, plain(kVm3.mac, kVm1.mac))).text; }},
    {R::bad_vxlan_header,
     [] { return walk(*cn1(), kVtep2, vxlan(kRedVni, plain(kVm3.mac, kVm1.mac), 0x0c)).text; }},
    {R::unknown_vni, [] { return walk(*cn1(), kVtep2, vxlan(4711, plain(kVm3.mac, kVm1.mac))).text; }},
    {R::vtep_not_of_network, [] { return walk(*cn1(), kLeaf, vxlan(kGreenVni, plain(kStranger.mac, kVm4.mac))).text; }},
    {R::ecn_congestion,
     [] { return by_tunnel(ethernet({kVm3.mac, kVm1.mac}, ipv4({.src = kVm3.ip, .dst = kVm1.ip})), 3); }},
    {R::vlan_tagged, [] { return by_vm1(vm1_says(vlan_tag(7, udp()))); }},
    {R::unknown_port, [] { return walk(*cn1(), PortId{999}, plain(kVm1.mac, kVm3.mac)).text; }},
    {R::own_dvr_mac_from_tunnel, [] { return by_tunnel(plain(kDvrMac1, kVm1.mac)); }},
    {R::dvr_mac_of_other_vtep,
     [] { return walk(*cn1(), kLeaf, vxlan(kRedVni, plain(kDvrMac2, kVm1.mac))).text; }},
    {R::router_advertisement_from_tunnel,
     [] {
       const Bytes frame = ethernet({kStranger.mac, kAllNodesMac}, v6(router_advertisement()));
       return walk(*cn1(), kLeaf, vxlan(kRedVni, frame)).text;
     }},
    {R::router_mac_from_tunnel, [] { return by_tunnel(plain(kRedGateway.mac, kVm1.mac)); }},
    {R::dvr_mac_not_to_local_port, [] { return by_tunnel(plain(kDvrMac2, kBroadcast)); }},
    {R::to_router_from_tunnel, [] { return by_tunnel(plain(kVm3.mac, kRedGateway.mac)); }},
    {R::spoofed_mac, [] { return by_vm1(plain(kStranger.mac, kVm3.mac)); }},
    {R::router_mac_from_vm, [] { return by_vm1(plain(kRedGateway.mac, kVm3.mac)); }},
    {R::dvr_mac_from_vm, [] { return by_vm1(plain(kDvrMac2, kVm3.mac)); }},
    {R::spoofed_ip, [] { return by_vm1(vm1_says(ipv4({.src = kVm3.ip, .dst = kVm2.ip}))); }},
    {R::spoofed_arp,
     [] {
       return by_vm1(vm1_says(arp({.sender_mac = kVm1.mac, .sender_ip = kVm3.ip, .target_ip = kVm1.ip})));
     }},
    {R::spoofed_nd, [] { return by_vm1(vm1_says(v6(neighbour_advertisement(kVm3.ip6)))); }},
    {R::router_advertisement_from_vm, [] { return by_vm1(vm1_says(v6(router_advertisement()))); }},
    {R::hidden_header, [] { return by_vm1(vm1_says(v6({60, {58, 9, 1, 4, 0, 0, 0, 0}}))); }},
    {R::bad_source_address, [] { return by_vm1(plain(kBroadcast, kVm3.mac)); }},
    {R::unknown_target_from_router,
     [] {
       return by_router(ethernet({kGreenGateway.mac, kBroadcast},
                                 arp({.sender_mac = kGreenGateway.mac, .sender_ip = kGreenGateway.ip,
                                      .target_ip = "10.2.0.77"_ip})));
     }},
    {R::router_not_here, [] { return by_vm1(plain(kVm1.mac, kOtherRouter.mac)); }},
    {R::no_snat_node, [] { return by_router(plain(kGreenGateway.mac, kGreenGateway.mac)); }},
    {R::snat_loop,
     [] {
       const auto snat_node = Batch().put<SnatGatewayRow>({{2}, kGreenGateway.mac}, {}).on(*cn1());
       return walk(*snat_node, kCn1.green.router_port, plain(kGreenGateway.mac, kGreenGateway.mac)).text;
     }},
    {R::no_snat_here, [] { return by_tunnel(plain(kDvrMac2, kRedGateway.mac)); }},
    {R::back_to_sender, [] { return by_vm1(plain(kVm1.mac, kVm1.mac)); }},
    {R::split_horizon, [] { return by_tunnel(plain(kStranger.mac, kVm3.mac)); }},
    // No packet gets this far: `find_router` stops it before. dvr_process makes sure whatever comes before it.
    {R::router_mac_to_wire,
     [] {
       return "> " +
              step(br_tun::dvr_process, *cn1(), kCn1.red.vm_port, plain(kVm1.mac, kRedGateway.mac), {1});
     }},
    {R::unknown_unicast, [] { return by_vm1(plain(kVm1.mac, kStranger.mac)); }},
    {R::no_dvr_mac,
     [] {
       const auto nameless = Batch().erase<DvrMacRow>({kDvrMac1}).on(*cn1());
       return walk(*nameless, kCn1.green.router_port, plain(kGreenGateway.mac, kVm2.mac)).text;
     }},
    {R::unknown_provider_vlan, [] { return by_wire(ethernet({kOutside.mac, kFg.mac}, vlan_tag(7, udp()))); }},
    {R::own_mac_from_wire, [] { return by_wire(plain(kQg.mac, kFg.mac)); }},
    {R::not_for_us, [] { return by_wire(plain(kOutside.mac, kStranger.mac)); }},
    {R::no_uplink,
     [] {
       const auto wireless = Batch().erase<ProviderOutRow>({kExt}).on(*cn1_outside());
       return walk(*wireless, kQg.port, plain(kQg.mac, kOutside.mac)).text;
     }},
    {R::over_mtu,
     [] { return by_router(ethernet({kGreenGateway.mac, kVm2.mac}, {0x88cc, Bytes(kMtuBytes + 1)})); }},
};

}  // namespace

TEST_CASE("every drop reason is reached by a frame, or by the worker's own tests") {
  std::map<DropReason, int> ways;
  for (const Way& way : kWays) {
    ++ways[way.reason];
    const std::string text = way.drop();
    CHECK_MESSAGE(text.ends_with(std::string("> drop ") + name_of(way.reason)),
                  text << ", not " << name_of(way.reason));
  }
  const std::string worker_tests = source_of_worker_tests();
  for (const DropReason reason : kByTheWorker) {
    ++ways[reason];
    const std::string counted = std::string("DropReason::") + name_of(reason) + ")";
    CHECK_MESSAGE(worker_tests.find(counted) != std::string::npos, name_of(reason) << " is reached by no worker");
  }
  for (size_t reason = 0; reason < kDropReasonCount; ++reason)
    CHECK_MESSAGE(ways[static_cast<DropReason>(reason)] == 1,
                  kDropReasons[reason].name << " has no test of its own");
}

TEST_CASE("every drop reason has a sentence and says what to look at next") {
  for (const DropReasonText& reason : kDropReasons) {
    CHECK(std::string(reason.sentence).size() > 20);
    CHECK(std::string(reason.hint).size() > 5);
  }
}

}  // namespace dvr::test
