// br-ex: between the provider's wire and the devices of namespaces, `qg-` and `fg-`. On cn1_outside ext is untagged
// on the wire and ext2 has provider VLAN 100.
#include "br-ex/br_ex.hpp"

#include <doctest/doctest.h>

#include "io/memory_port.hpp"
#include "packet/vlan_tag.hpp"
#include "walk.hpp"
#include "worker/deliver.hpp"

namespace dvr::test {
namespace {

const Tables& outside() { return *cn1_outside(); }
std::string text_of_walk(const Arrival& arrival, const Bytes& frame) { return walk(outside(), arrival, frame).text; }

Layer ping() { return ipv4({.src = kOutside.ip, .dst = "203.0.113.101"_ip}, {1, Bytes(64)}); }
Layer tagged(uint16_t vlan, const Layer& inner = ping()) { return vlan_tag(vlan, inner); }
Layer asks() { return arp({.sender_mac = kOutside.mac, .sender_ip = kOutside.ip, .target_ip = "203.0.113.101"_ip}); }

// What the ports of a node get of one frame.
std::vector<MemoryPorts::Sent> sent(PortId in_port, const Bytes& frame) {
  Buffer buffer(frame);
  Packet packet = packet_of(buffer, in_port);
  Effects effects;
  Trail trail;
  MemoryPorts ports;
  deliver(run_pipeline(entry_of(in_port, outside()), packet, outside(), effects, trail), packet, effects, ports);
  return ports.sent();
}

}  // namespace

TEST_SUITE("from the wire") {
  TEST_CASE("a frame for one of our devices reaches it, and no other") {
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kFg.mac}, ping())) == "provider_in ex_switch > port 52");
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kQg.mac}, ping())) == "provider_in ex_switch > port 51");
  }

  TEST_CASE("the provider VLAN says which network, and is taken off") {
    const Walk in = walk(outside(), kUplink, ethernet({kOutside.mac, kFg2.mac}, tagged(kExt2Vlan)));
    CHECK(in.text == "provider_in ex_switch > port 53");
    CHECK(in.frame == ethernet({kOutside.mac, kFg2.mac}, ping()));
    CHECK(in.packet.local_vlan == kExt2);
  }

  TEST_CASE("a device is reached in its own network only") {
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kFg2.mac}, ping())).ends_with("drop not_for_us"));
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kFg.mac}, tagged(kExt2Vlan))).ends_with("drop not_for_us"));
  }

  TEST_CASE("a priority tag without a VLAN is no VLAN (IEEE 802.1Q section 9.6)") {
    const Walk in = walk(outside(), kUplink, ethernet({kOutside.mac, kFg.mac}, tagged(0xe000)));
    CHECK(in.text == "provider_in ex_switch > port 52");
    CHECK(in.frame == ethernet({kOutside.mac, kFg.mac}, ping()));
  }

  TEST_CASE("the priority of a tag does not make another VLAN of it") {
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kFg2.mac}, tagged(0xf000 | kExt2Vlan))) ==
          "provider_in ex_switch > port 53");
  }

  TEST_CASE("a VLAN that no external network has, and a tag inside a tag, go no further") {
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kFg.mac}, tagged(7))) ==
          "provider_in > drop unknown_provider_vlan");
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kFg2.mac}, tagged(kExt2Vlan, tagged(5)))) ==
          "provider_in > drop vlan_tagged");
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kFg.mac}, vlan_tag(5, ping(), 0x88a8))) ==
          "provider_in > drop vlan_tagged");
  }

  TEST_CASE("nobody on the wire has the MAC of one of our devices") {
    for (const MacAddr& mac : {kQg.mac, kFg.mac}) {
      CHECK(text_of_walk(kUplink, ethernet({mac, kFg.mac}, ping())) == "provider_in > drop own_mac_from_wire");
      CHECK(text_of_walk(kUplink, ethernet({mac, kBroadcast}, asks())) == "provider_in > drop own_mac_from_wire");
    }
  }

  TEST_CASE("a broadcast reaches every device of its network, and never the wire again") {
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kBroadcast}, asks())) ==
          "provider_in ex_switch ex_flood > ports 51 52");
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kAllNodesMac}, tagged(kExt2Vlan))) ==
          "provider_in ex_switch ex_flood > ports 53");
  }

  TEST_CASE("what is for somebody else on the wire is dropped") {
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kStranger.mac}, ping())) ==
          "provider_in ex_switch > drop not_for_us");
    CHECK(text_of_walk(kUplink, ethernet({kOutside.mac, kVm1.mac}, ping())).ends_with("drop not_for_us"));
  }

  TEST_CASE("a group or zero source and a cut frame are dropped") {
    CHECK(text_of_walk(kUplink, ethernet({kBroadcast, kFg.mac}, ping())) == "provider_in > drop bad_source_address");
    CHECK(text_of_walk(kUplink, ethernet({{}, kFg.mac}, ping())) == "provider_in > drop bad_source_address");
    const Bytes frame = ethernet({kOutside.mac, kFg2.mac}, tagged(kExt2Vlan));
    for (const size_t bytes : {0, 13, 14, 15, 17}) CHECK(text_of_walk(kUplink, first(frame, bytes)).ends_with("truncated"));
  }

  TEST_CASE("a super-frame comes through whole, its offsets without the tag") {
    Arrival arrival(kUplink);
    arrival.offload = {.gso = GsoType::tcp_v4, .needs_csum = true, .gso_bytes = 1400, .header_bytes = 58,
                       .csum_start = 38, .csum_offset = 16};
    const Layer packet = ipv4({.src = kOutside.ip, .dst = "203.0.113.101"_ip}, tcp({}, payload(20000)));
    const Walk in = walk(outside(), arrival, ethernet({kOutside.mac, kFg2.mac}, tagged(kExt2Vlan, packet)));
    CHECK(in.frame == ethernet({kOutside.mac, kFg2.mac}, packet));
    CHECK(in.packet.offload.csum_start == 34);
    CHECK(in.packet.offload.header_bytes == 54);
    CHECK(in.packet.offload.gso_bytes == 1400);
  }

  TEST_CASE("an unfinished checksum that would lie in the tag is no frame") {
    Arrival arrival(kUplink);
    arrival.offload = {.needs_csum = true, .csum_start = 16, .csum_offset = 0};
    CHECK(walk(outside(), arrival, ethernet({kOutside.mac, kFg2.mac}, tagged(kExt2Vlan))).text.ends_with("truncated"));
  }
}

TEST_SUITE("to the wire") {
  TEST_CASE("whatever is not one of our own is on the wire, with the network's VLAN") {
    CHECK(text_of_walk(kQg.port, ethernet({kQg.mac, kOutside.mac}, ping())) ==
          "provider_in ex_switch provider_out > port 50");
    CHECK(text_of_walk(kFg2.port, ethernet({kFg2.mac, kOutside.mac}, ping())) ==
          "provider_in ex_switch provider_out > port 50 vlan 100");
  }

  TEST_CASE("the tag is on the wire alone: copies of a broadcast to our own devices have none") {
    const Bytes frame = ethernet({kFg2.mac, kBroadcast}, asks());
    const auto on_wire = sent(kFg2.port, frame);
    REQUIRE(on_wire.size() == 1);
    CHECK(on_wire[0].port == kUplink);
    CHECK(on_wire[0].frame == ethernet({kFg2.mac, kBroadcast}, vlan_tag(kExt2Vlan, asks())));
    const auto untagged = sent(kQg.port, ethernet({kQg.mac, kBroadcast}, asks()));
    REQUIRE(untagged.size() == 2);
    for (const auto& [port, vtep, bytes] : untagged) CHECK(bytes == ethernet({kQg.mac, kBroadcast}, asks()));
    CHECK(untagged[0].port == kUplink);
    CHECK(untagged[1].port == kFg.port);
  }

  TEST_CASE("two devices of one network reach each other on the node: FIP to SNAT and back") {
    CHECK(text_of_walk(kQg.port, ethernet({kQg.mac, kFg.mac}, ping())) == "provider_in ex_switch > port 52");
    CHECK(text_of_walk(kFg.port, ethernet({kFg.mac, kQg.mac}, ping())) == "provider_in ex_switch > port 51");
  }

  TEST_CASE("two networks do not: the way is by the provider") {
    CHECK(text_of_walk(kQg.port, ethernet({kQg.mac, kFg2.mac}, ping())).ends_with("provider_out > port 50"));
  }

  TEST_CASE("a frame to its own sender, a tagged one and one without a wire are dropped") {
    CHECK(text_of_walk(kQg.port, ethernet({kQg.mac, kQg.mac}, ping())) == "provider_in ex_switch > drop back_to_sender");
    CHECK(text_of_walk(kQg.port, ethernet({kQg.mac, kOutside.mac}, tagged(5))) == "provider_in > drop vlan_tagged");
    const auto wireless = Batch().erase<ProviderOutRow>({kExt}).on(outside());
    CHECK(walk(*wireless, kQg.port, ethernet({kQg.mac, kOutside.mac}, ping())).text.ends_with("drop no_uplink"));
    CHECK(walk(*wireless, kQg.port, ethernet({kQg.mac, kBroadcast}, asks())).text ==
          "provider_in ex_switch ex_flood provider_out > drop no_uplink, ports 52");
  }
}

TEST_SUITE("br-ex and the bridges of the cloud") {
  TEST_CASE("a port of br-ex never enters br-int, nor one of br-int br-ex") {
    CHECK(step(br_int::classify, outside(), kUplink, ethernet({kOutside.mac, kVm1.mac}, ping())) == "drop unknown_port");
    CHECK(step(br_int::classify, outside(), kQg.port, ethernet({kQg.mac, kVm1.mac}, ping())) == "drop unknown_port");
    CHECK(step(br_ex::provider_in, outside(), kCn1.red.vm_port, ethernet({kVm1.mac, kFg.mac}, ping())) ==
          "drop unknown_port");
    CHECK(step(br_ex::provider_in, outside(), PortId{999}, ethernet({kVm1.mac, kFg.mac}, ping())) ==
          "drop unknown_port");
  }

  TEST_CASE("a packet enters where its port belongs") {
    CHECK(entry_of(kTunnelPort, outside()) == StageId::vxlan_decap);
    CHECK(entry_of(kUplink, outside()) == StageId::provider_in);
    CHECK(entry_of(kFg.port, outside()) == StageId::provider_in);
    for (const PortId port : {kCn1.red.vm_port, kCn1.red.router_port, PortId{999}})
      CHECK(entry_of(port, outside()) == StageId::classify);
  }
}

}  // namespace dvr::test
