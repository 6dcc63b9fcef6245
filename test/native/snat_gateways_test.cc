// The seed's way to the outside, NS4 to NS7 on br-int and br-tun: what a router's copy redirects to its own MAC
// is carried to the node that does its source NAT, and nothing else to a router MAC is; and the port of the SNAT
// namespace in a tenant network (`sg-`).
#include <doctest/doctest.h>

#include "walk.hpp"

namespace dvr::test {
namespace {

const Nic kSg{"fa:16:3e:00:01:05"_mac, "10.1.0.5"_ip, "2001:db8:1::5"_ip, "fe80::105"_ip};
constexpr PortId kSgPort{25};

// cn1 is a compute node, cn2 does r1's source NAT: in red, `sg-` is there.
std::shared_ptr<const Tables> compute() {
  Batch batch;
  batch.put<SnatGatewayRow>({{1}, kRedGateway.mac}, {kVtep2});
  batch.put<UcastToTunRow>({{1}, kSg.mac}, {kVtep2, false, false});
  answer_for(batch, {1}, kSg, false);
  return batch.on(*cn1());
}
std::shared_ptr<const Tables> snat_node() {
  Batch batch;
  batch.put<SnatGatewayRow>({{7}, kRedGateway.mac}, {});
  batch.put<PortRow>({kSgPort}, {PortKind::snat, {7}, kSg.mac, false});
  batch.put<SwitchRow>({{7}, kSg.mac}, {kSgPort}).put<FloodRow>({{7}, kSgPort});
  batch.put<DvrToSrcMacRow>({{7}, kSg.mac, {}}, {kRedGateway.mac, kSgPort});
  answer_for(batch, {7}, kSg, false);
  return batch.on(*cn2());
}

Bytes outward(const MacAddr& src, const MacAddr& dst, uint8_t ttl = 63) {
  return ethernet({src, dst}, ipv4({.src = kVm1.ip, .dst = "198.51.100.9"_ip, .ttl = ttl}));
}
Bytes asks(const MacAddr& src, const IpAddr& src_ip, const IpAddr& target) {
  return ethernet({src, kBroadcast}, arp({.sender_mac = src, .sender_ip = src_ip, .target_ip = target}));
}

}  // namespace

TEST_SUITE("towards the node that does a router's source NAT") {
  TEST_CASE("NS4 to NS7: the frame crosses as the DVR MAC to the gateway MAC, and reaches the router there") {
    const Walk out = walk(*compute(), kCn1.red.router_port, outward(kRedGateway.mac, kRedGateway.mac));
    CHECK(out.text ==
          "classify arp_responder find_router switch dvr_process ucast_to_tun vxlan_encap > vtep 172.16.0.12 vni 101");
    CHECK(out.frame == outward(kDvrMac1, kRedGateway.mac));
    const Walk in = walk(*snat_node(), kVtep1, joined(out.vxlan_header, out.frame));
    CHECK(in.text == "vxlan_decap tun_to_lv classify dvr_to_src_mac > port 40");
    CHECK(in.frame == outward(kRedGateway.mac, kRedGateway.mac));
  }

  TEST_CASE("a super-frame takes the same way whole") {
    Arrival arrival(kCn1.red.router_port);
    arrival.offload = {.gso = GsoType::tcp_v4, .needs_csum = true, .gso_bytes = 1400, .header_bytes = 54,
                       .csum_start = 34, .csum_offset = 16};
    const Bytes frame = ethernet({kRedGateway.mac, kRedGateway.mac},
                                 ipv4({.src = kVm1.ip, .dst = "198.51.100.9"_ip}, tcp({}, payload(20000))));
    CHECK(walk(*compute(), arrival, frame).text.ends_with("> vtep 172.16.0.12 vni 101"));
  }

  TEST_CASE("where no node does it, the frame dies with a reason; on the node that does, it is a loop") {
    const Bytes frame = outward(kRedGateway.mac, kRedGateway.mac);
    CHECK(walk(*cn1(), kCn1.red.router_port, frame).text.ends_with("find_router > drop no_snat_node"));
    CHECK(walk(*snat_node(), kCn2.red.router_port, frame).text.ends_with("find_router > drop snat_loop"));
  }

  TEST_CASE("a node that does not do it hands nothing from the tunnel to its router") {
    const Bytes frame = vxlan(kRedVni, outward(kDvrMac1, kRedGateway.mac));
    CHECK(walk(*cn2(), kVtep1, frame).text.ends_with("dvr_to_src_mac > drop no_snat_here"));
    const auto elsewhere = Batch().put<SnatGatewayRow>({{7}, kRedGateway.mac}, {kLeaf}).on(*cn2());
    CHECK(walk(*elsewhere, kVtep1, frame).text.ends_with("dvr_to_src_mac > drop no_snat_here"));
    const auto without_copy = Batch().put<RouterMacRow>({{7}, kRedGateway.mac}, {kNoPort, {}}).on(*snat_node());
    CHECK(walk(*without_copy, kVtep1, frame).text.ends_with("dvr_to_src_mac > drop no_snat_here"));
  }

  TEST_CASE("only what a router's own copy sends to its own MAC is carried") {
    const auto tables = compute();
    const auto text = [&](PortId port, const Bytes& frame) { return walk(*tables, port, frame).text; };
    CHECK(text(kCn1.red.vm_port, outward(kRedGateway.mac, kRedGateway.mac)).ends_with("drop router_mac_from_vm"));
    CHECK(text(kCn1.red.router_port, outward(kStranger.mac, kRedGateway.mac)).ends_with("drop back_to_sender"));
    CHECK(text(kCn1.green.router_port, outward(kGreenGateway.mac, kGreenGateway.mac)).ends_with("no_snat_node"));
    const auto dvr_process = [&](const Arrival& arrival, const Bytes& frame) {
      return step(br_tun::dvr_process, *tables, arrival, frame, {1});
    };
    CHECK(dvr_process(kCn1.red.vm_port, outward(kVm1.mac, kRedGateway.mac)) == "drop router_mac_to_wire");
    CHECK(dvr_process(kVtep2, outward(kRedGateway.mac, kRedGateway.mac)) == "drop router_mac_to_wire");
  }

  TEST_CASE("another node's VM reaches no router, whoever does the source NAT") {
    CHECK(walk(*snat_node(), kVtep1, vxlan(kRedVni, outward(kVm1.mac, kRedGateway.mac))).text
              .ends_with("find_router > drop to_router_from_tunnel"));
  }

  TEST_CASE("what a VM sends is still routed by its own node, and the redirect is the namespace's") {
    CHECK(walk(*compute(), kCn1.red.vm_port, outward(kVm1.mac, kRedGateway.mac, 64)).text ==
          "classify anti_spoof arp_responder find_router route > port 20");
  }
}

TEST_SUITE("the SNAT namespace's port in a tenant network") {
  TEST_CASE("a frame addressed to it from another node's router comes as from the gateway") {
    const Walk out = walk(*compute(), kCn1.red.router_port, outward(kRedGateway.mac, kSg.mac));
    CHECK(out.text.ends_with("> vtep 172.16.0.12 vni 101"));
    const Walk in = walk(*snat_node(), kVtep1, joined(out.vxlan_header, out.frame));
    CHECK(in.text == "vxlan_decap tun_to_lv classify dvr_to_src_mac > port 25");
    CHECK(in.frame == outward(kRedGateway.mac, kSg.mac));
  }

  TEST_CASE("the router's copy on its own node hands it the frame directly") {
    CHECK(walk(*snat_node(), kCn2.red.router_port, outward(kRedGateway.mac, kSg.mac)).text ==
          "classify arp_responder find_router switch > port 25");
  }

  TEST_CASE("it may send from any address, to VMs here and on other nodes, with its own MAC") {
    const auto answer = [](const Nic& vm) {
      return ethernet({kSg.mac, vm.mac}, ipv4({.src = "198.51.100.9"_ip, .dst = vm.ip}));
    };
    CHECK(walk(*snat_node(), kSgPort, answer(kVm3)).text == "classify arp_responder find_router switch > port 33");
    const Walk out = walk(*snat_node(), kSgPort, answer(kVm1));
    CHECK(out.text ==
          "classify arp_responder find_router switch dvr_process ucast_to_tun vxlan_encap > vtep 172.16.0.11 vni 101");
    CHECK(out.src() == kSg.mac);
    CHECK(walk(*compute(), kVtep2, joined(out.vxlan_header, out.frame)).text ==
          "vxlan_decap tun_to_lv classify find_router switch > port 16");
  }

  TEST_CASE("its questions about known addresses, the router's too, are answered at its port") {
    for (const IpAddr& target : {kVm1.ip, kVm3.ip, kRedGateway.ip})
      CHECK(walk(*snat_node(), kSgPort, asks(kSg.mac, kSg.ip, target)).text == "classify arp_responder > port 25");
    CHECK(walk(*compute(), kCn1.red.router_port, asks(kRedGateway.mac, kRedGateway.ip, kSg.ip)).text ==
          "classify arp_responder > port 20");
  }

  TEST_CASE("it gets broadcasts as a VM does, from its own node and from the tunnel, and its own go to all") {
    const auto tables = snat_node();
    CHECK(walk(*tables, kCn2.red.vm_port, asks(kVm3.mac, kVm3.ip, kStranger.ip)).text.ends_with(
        "> ports 25 40, vteps 172.16.0.11 172.16.0.99 vni 101"));
    CHECK(walk(*tables, kVtep1, vxlan(kRedVni, asks(kVm1.mac, kVm1.ip, kStranger.ip))).text.ends_with(
        "flood > ports 25 33"));
    CHECK(walk(*tables, kSgPort, asks(kSg.mac, kSg.ip, kStranger.ip)).text.ends_with(
        "> ports 33 40, vteps 172.16.0.11 172.16.0.99 vni 101"));
  }

  TEST_CASE("the fast path does not route what comes out of it: the namespace does") {
    const Bytes frame = ethernet({kSg.mac, kRedGateway.mac}, ipv4({.src = "198.51.100.9"_ip, .dst = kVm2.ip}));
    Batch fast;
    fast.put<RouterMacRow>({{7}, kRedGateway.mac}, {kCn2.red.router_port, kR1});
    CHECK(walk(*fast.on(*snat_node()), kSgPort, frame).text ==
          "classify arp_responder find_router route > port 40");
  }
}

}  // namespace dvr::test
