// Whole walks through the pipeline: the seed's steps EW1 to EW7, same subnet, same node; and the table
// itself, its trace and its description.
#include "pipeline/describe.hpp"
#include "pipeline/recorder.hpp"

#include <doctest/doctest.h>

#include "walk.hpp"

namespace dvr::test {
namespace {

Bytes ping(const MacAddr& src, const MacAddr& dst, uint8_t ttl) {
  return ethernet({.src = src, .dst = dst},
                  ipv4({.src = kVm1.ip, .dst = kVm2.ip, .ttl = ttl}, {1, Bytes(64)}));
}
size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_SUITE("the seed's walk") {
  TEST_CASE("EW1: vm1's frame to its gateway goes to router r1 on its own node") {
    const Walk ew1 = walk(*cn1(), kCn1.red.vm_port, ping(kVm1.mac, kRedGateway.mac, 64));
    CHECK(ew1.text == "classify anti_spoof arp_responder find_router route > port 20");
    CHECK(ew1.frame == ping(kVm1.mac, kRedGateway.mac, 64));
  }

  TEST_CASE("EW3 to EW7: the routed frame crosses as the DVR MAC and arrives as from the gateway") {
    const Walk ew5 = walk(*cn1(), kCn1.green.router_port, ping(kGreenGateway.mac, kVm2.mac, 63));
    CHECK(ew5.text ==
          "classify arp_responder find_router switch dvr_process ucast_to_tun vxlan_encap > vtep 172.16.0.12 vni "
          "102");
    CHECK(ew5.frame == ping(kDvrMac1, kVm2.mac, 63));

    const Walk ew7 = walk(*cn2(), kVtep1, joined(ew5.vxlan_header, ew5.frame));
    CHECK(ew7.text == "vxlan_decap tun_to_lv classify dvr_to_src_mac > port 32");
    CHECK(ew7.packet.local_vlan == LocalVlan{8});
    CHECK(ew7.frame == ping(kGreenGateway.mac, kVm2.mac, 63));
  }

  TEST_CASE("the way back is routed on the other node and takes the other VNI") {
    const Bytes reply =
        ethernet({kRedGateway.mac, kVm1.mac}, ipv4({.src = kVm2.ip, .dst = kVm1.ip, .ttl = 63}));
    const Walk out = walk(*cn2(), kCn2.red.router_port, reply);
    CHECK(out.text ==
          "classify arp_responder find_router switch dvr_process ucast_to_tun vxlan_encap > vtep 172.16.0.11 vni "
          "101");
    CHECK(out.src() == kDvrMac2);
    const Walk in = walk(*cn1(), kVtep2, joined(out.vxlan_header, out.frame));
    CHECK(in.text == "vxlan_decap tun_to_lv classify dvr_to_src_mac > port 16");
    CHECK(in.frame == reply);
  }

  TEST_CASE("the same subnet across nodes: MACs and TTL untouched, no router involved") {
    const Bytes frame = ethernet({kVm1.mac, kVm3.mac}, ipv4({.src = kVm1.ip, .dst = kVm3.ip}));
    const Walk out = walk(*cn1(), kCn1.red.vm_port, frame);
    CHECK(out.text == "classify anti_spoof arp_responder find_router switch dvr_process ucast_to_tun vxlan_encap"
                      " > vtep 172.16.0.12 vni 101");
    const Walk in = walk(*cn2(), kVtep1, joined(out.vxlan_header, out.frame));
    CHECK(in.text == "vxlan_decap tun_to_lv classify find_router switch > port 33");
    CHECK(in.frame == frame);
  }

  TEST_CASE(
      "two subnets on one node: nothing leaves the node, and only the VM itself gets the routed frame") {
    const Bytes in = ethernet({kVm1.mac, kRedGateway.mac}, ipv4({.src = kVm1.ip, .dst = kVm4.ip}));
    const Bytes out =
        ethernet({kGreenGateway.mac, kVm4.mac}, ipv4({.src = kVm1.ip, .dst = kVm4.ip, .ttl = 63}));
    CHECK(walk(*cn1(), kCn1.red.vm_port, in).text == "classify anti_spoof arp_responder find_router route > port 20");
    CHECK(walk(*cn1(), kCn1.green.router_port, out).text == "classify arp_responder find_router switch > port 17");
  }

  TEST_CASE("the gateway's ARP is answered at the VM's port and appears nowhere else") {
    const Bytes question = ethernet({kVm1.mac, kBroadcast}, arp({.sender_mac = kVm1.mac, .sender_ip = kVm1.ip,
                                                                 .target_ip = kRedGateway.ip}));
    CHECK(walk(*cn1(), kCn1.red.vm_port, question).text == "classify anti_spoof arp_responder > port 16");
  }

  TEST_CASE("the router's own announcements stay on its node") {
    const Bytes announcement = ethernet({kRedGateway.mac, kBroadcast},
                                        arp({.sender_mac = kRedGateway.mac, .sender_ip = kRedGateway.ip,
                                             .target_ip = kRedGateway.ip}));
    CHECK(walk(*cn1(), kCn1.red.router_port, announcement).text ==
          "classify arp_responder find_router switch flood > ports 16");
  }

  TEST_CASE("a broadcast too large for the network still reaches the local ports") {
    const Bytes frame = ethernet({kVm1.mac, kBroadcast}, ipv4({.src = kVm1.ip, .dst = "255.255.255.255"_ip},
                                                              udp({}, payload(kMtuBytes))));
    CHECK(walk(*cn1(), kCn1.red.vm_port, frame).text ==
          "classify anti_spoof arp_responder find_router switch flood dvr_process ucast_to_tun flood_to_tun "
          "vxlan_encap"
          " > drop over_mtu, ports 20");
  }
}

TEST_SUITE("the pipeline table") {
  TEST_CASE("every stage can end, and every stage but the three entries is named by one before it") {
    uint32_t named = bit(StageId::vxlan_decap) | bit(StageId::classify) | bit(StageId::provider_in);
    for (const PipelineRow& row : kPipeline) {
      CHECK_MESSAGE((named & bit(row.id)) != 0, row.name);
      named |= row.next;
    }
    CHECK((named & bit(StageId::output)) != 0);
    CHECK((named & bit(StageId::drop)) != 0);
  }

  TEST_CASE("the tables a stage says it reads exist") {
    const std::string description = describe_json();
    for (const PipelineRow& row : kPipeline) {
      std::string words = row.tables;
      for (size_t at = 0; at < words.size();) {
        const size_t end = std::min(words.find(' ', at), words.size());
        const std::string table = "\"name\":\"" + words.substr(at, end - at) + "\",\"limit\":";
        CHECK_MESSAGE(count_of(description, table) == 1, words.substr(at, end - at));
        at = end + 1;
      }
    }
  }

  TEST_CASE("the description has every stage, table, drop reason and seed step") {
    const std::string description = describe_json();
    CHECK(count_of(description, "\"bridge\":") == kStageCount);
    CHECK(count_of(description, "\"limit\":") == std::tuple_size_v<AllRows>);
    CHECK(count_of(description, "\"hint\":") == kDropReasonCount);
    for (const char* seed_step : {"\"EW1\"", "\"EW4\"", "\"EW5\"", "\"EW6\"", "\"EW7\""})
      CHECK(count_of(description, seed_step) > 0);
    CHECK(count_of(description, "{") == count_of(description, "}"));
    CHECK(count_of(description, "[") == count_of(description, "]"));
  }
}

TEST_SUITE("the recorder") {
  TEST_CASE("it writes one record a stage, with the frame before and after") {
    Buffer buffer(ping(kGreenGateway.mac, kVm2.mac, 63));
    Packet packet = packet_of(buffer, kCn1.green.router_port);
    Effects effects;
    Recorder recorder(7);
    CHECK(run_pipeline(StageId::classify, packet, *cn1(), effects, recorder) == StageId::output);
    const auto records = recorder.records();
    REQUIRE(records.size() == 7);
    const TraceRecord& dvr_process = records[4];
    CHECK(dvr_process.stage == StageId::dvr_process);
    CHECK(dvr_process.next == StageId::ucast_to_tun);
    CHECK(dvr_process.local_vlan_before == LocalVlan{2});
    CHECK(std::ranges::equal(std::span(dvr_process.before).subspan(6, 6), kGreenGateway.mac.bytes));
    CHECK(std::ranges::equal(std::span(dvr_process.after).subspan(6, 6), kDvrMac1.bytes));
    CHECK(records[6].vni == Vni{kGreenVni});
    CHECK(records[6].local_vlan_after == LocalVlan{});
    CHECK(trace_json(records, 3).ends_with("],\"lost\":3}"));
    CHECK(count_of(trace_json(records, 0), "\"passage\":7") == 7);
  }

  TEST_CASE(
      "a drop is recorded with its reason, a flood with its copies, frames of any length with their "
      "bytes") {
    const auto record = [](const Arrival& arrival, const Bytes& frame) {
      Buffer buffer(frame);
      Packet packet = packet_of(buffer, arrival);
      Effects effects;
      Recorder recorder(1);
      run_pipeline(arrival.port == kTunnelPort ? StageId::vxlan_decap : StageId::classify, packet, *cn1(),
                   effects, recorder);
      return trace_json(recorder.records(), 0);
    };
    CHECK(count_of(record(kCn1.red.vm_port, ping(kVm3.mac, kVm1.mac, 64)),
                   "\"dropReason\":\"spoofed_mac\"") == 1);
    CHECK(count_of(record(kCn1.red.vm_port, ethernet({kVm1.mac, kBroadcast}, payload())),
                   "\"copyToPorts\":[16,20],\"copyToVteps\":[\"172.16.0.12\",\"172.16.0.99\"]") == 2);
    CHECK(count_of(record(kVtep2, {}), "\"dropReason\":\"bad_vxlan_header\"") == 1);
    CHECK(count_of(record(kCn1.red.vm_port, {}), "\"dropReason\":\"truncated\"") == 1);
  }

  TEST_CASE("bytes are written as base64 (RFC 4648 section 10)") {
    const auto encoded = [](const char* text) {
      return base64_of({reinterpret_cast<const uint8_t*>(text), std::strlen(text)});
    };
    CHECK(encoded("") == "");
    CHECK(encoded("f") == "Zg==");
    CHECK(encoded("fo") == "Zm8=");
    CHECK(encoded("foo") == "Zm9v");
    CHECK(encoded("foobar") == "Zm9vYmFy");
  }
}

}  // namespace dvr::test
