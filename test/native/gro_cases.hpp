// The rules of GRO, a case each: a few packets of which one differs in one thing, and which of them go together.
// coalescer_test.cc asks the coalescer, gro_kernel_test.cc the kernel that runs. Where the two do not agree, the
// case says what the kernel does and why we do not.
#pragma once

#include <map>

#include "flows.hpp"

namespace dvr::test {

inline const std::vector<Kind> kAll{Kind::tcp4, Kind::tcp6, Kind::udp4, Kind::udp6};
inline const std::vector<Kind> kTcp{Kind::tcp4, Kind::tcp6}, kUdp{Kind::udp4, Kind::udp6};
inline const std::vector<Kind> kV4{Kind::tcp4, Kind::udp4}, kV6{Kind::tcp6, Kind::udp6};
inline const std::vector<Kind> kTcp4{Kind::tcp4}, kUdp4{Kind::udp4};

struct GroCase {
  const char* rule;
  const std::vector<Kind>& kinds;
  const char* joined;                         // "01 2": the first two together
  void (*change)(size_t index, FlowFields&);  // of packets that could all be joined
  const char* kernel = nullptr;               // where it joins others
  const char* why = nullptr;
  size_t count = 4;
};

// Packets of which each goes on where the one before it in its stream has ended.
inline std::vector<Bytes> packets_of(const GroCase& gro_case, Kind kind) {
  struct Next {
    uint32_t seq = 0;
    uint16_t id = 0;
  };
  std::map<int, Next> streams;
  std::vector<Bytes> packets;
  for (size_t index = 0; index < gro_case.count; ++index) {
    FlowFields fields{.kind = kind};
    fields.fill = static_cast<uint8_t>(index + 1);
    gro_case.change(index, fields);
    Next& next = streams[fields.stream];
    fields.seq += next.seq;
    fields.id = static_cast<uint16_t>(fields.id + next.id);
    next.seq += static_cast<uint32_t>(fields.payload_bytes);
    next.id = static_cast<uint16_t>(next.id + (fields.fixed_id ? 0 : 1));
    packets.push_back(packet_of(fields));
  }
  return packets;
}

inline constexpr char kNoOvertaking[] =
    "the kernel lets what it cannot join overtake what waits of its flow; here a flow keeps its order";
inline constexpr char kOneFlow[] =
    "the kernel takes them for two flows that may overtake one another; here addresses and ports are the flow";

inline const std::vector<GroCase> kGroCases{
    // Sizes.
    {"packets of one size that follow each other are joined", kAll, "0123", [](size_t, FlowFields&) {}},
    {"a shorter packet is the last", kAll, "01 23",
     [](size_t i, FlowFields& f) { f.payload_bytes = i == 1 ? 999 : 1000; }},
    {"a longer packet begins anew", kAll, "0 123",
     [](size_t i, FlowFields& f) { f.payload_bytes = i == 0 ? 999 : 1000; }},
    {"packets of one byte are joined", kAll, "0123", [](size_t, FlowFields& f) { f.payload_bytes = 1; }},
    {"a TCP packet without payload is not joined", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.payload_bytes = i == 1 ? 0 : 1000; }},
    {"an empty datagram is not joined", kUdp, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.payload_bytes = i == 1 ? 0 : 1000; }, "023 1",
     kNoOvertaking},
    {"what would pass 65535 bytes of IP begins anew", kAll, "01234567 89",
     [](size_t, FlowFields& f) { f.payload_bytes = 8000; }, nullptr, nullptr, 10},
    {"Ethernet padding behind a TCP packet keeps it alone", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.padding_bytes = i == 1 ? 3 : 0; }},
    {"Ethernet padding behind a datagram keeps it alone", kUdp, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.padding_bytes = i == 1 ? 3 : 0; }, "023 1", kNoOvertaking},
    // Whose packets they are.
    {"flows from different ports are joined each by itself", kAll, "02 13",
     [](size_t i, FlowFields& f) { f.stream = i & 1, f.src_port = static_cast<uint16_t>(40000 + f.stream); }},
    {"flows to different ports are joined each by itself", kAll, "02 13",
     [](size_t i, FlowFields& f) { f.stream = i & 1, f.dst_port = static_cast<uint16_t>(5001 + f.stream); }},
    {"flows from different addresses are joined each by itself", kAll, "02 13",
     [](size_t i, FlowFields& f) { f.stream = i & 1, f.host = static_cast<uint8_t>(11 + f.stream); }},
    {"TCP and UDP between the same ports are two flows", kTcp4, "02 13",
     [](size_t i, FlowFields& f) { f.stream = i & 1, f.kind = f.stream == 1 ? Kind::udp4 : Kind::tcp4; }},
    {"another source MAC is not joined", kAll, "0 1 2 3",
     [](size_t i, FlowFields& f) { f.stream = i & 1, f.src_mac.bytes[5] = static_cast<uint8_t>(f.stream); },
     "02 13", kOneFlow},
    {"another destination MAC is not joined", kAll, "0 1 2 3",
     [](size_t i, FlowFields& f) { f.stream = i & 1, f.dst_mac.bytes[5] = static_cast<uint8_t>(f.stream); },
     "02 13", kOneFlow},
    {"frames to a group are not joined", kAll, "0 1 2 3", [](size_t, FlowFields& f) { f.dst_mac = kAllNodesMac; },
     "0123", "one frame goes to several ports, and a run mends headers where they lie"},
    // IP.
    {"another TTL or hop limit is not joined", kAll, "0 1 23",
     [](size_t i, FlowFields& f) { f.ttl = i == 1 ? 63 : 64; }},
    {"another DSCP or traffic class is not joined", kAll, "0 1 23",
     [](size_t i, FlowFields& f) { f.tos = i == 1 ? 0x20 : 0; }},
    {"a packet with congestion marked is not joined with others", kAll, "0 1 23",
     [](size_t i, FlowFields& f) { f.tos = i == 1 ? 3 : 2; }},
    {"another flow label is not joined", kV6, "0 1 2 3",
     [](size_t i, FlowFields& f) { f.stream = i & 1, f.flow_label = static_cast<uint32_t>(f.stream); }, "02 13",
     kOneFlow},
    {"another DF bit is not joined", kV4, "0 1 23", [](size_t i, FlowFields& f) { f.df = i != 1; }},
    {"packets without DF are joined", kV4, "0123", [](size_t, FlowFields& f) { f.df = false; }},
    {"the reserved bit keeps a packet alone", kV4, "0 1 23", [](size_t i, FlowFields& f) { f.evil_bit = i == 1; }},
    {"the same identification again and again is joined under DF", kV4, "0123",
     [](size_t, FlowFields& f) { f.fixed_id = true; }},
    {"the same identification again and again is not joined without DF", kV4, "0 1 2 3",
     [](size_t, FlowFields& f) { f.fixed_id = true, f.df = false; }, "0123",
     "cut again by another device they would count up, and without DF they mean something (RFC 6864)"},
    {"an identification out of turn is not joined", kV4, "0 1 23",
     [](size_t i, FlowFields& f) { f.id = i == 1 ? 5 : 65534; }},
    {"an identification that stood still may not begin to count", kV4, "01 23",
     [](size_t i, FlowFields& f) { f.fixed_id = i == 0; }},
    {"an identification that counts may not stand still", kV4, "01 23",
     [](size_t i, FlowFields& f) { f.fixed_id = i == 1; }},
    {"a wrong IPv4 header checksum keeps a TCP packet alone", kTcp4, "0 1 23",
     [](size_t i, FlowFields& f) { f.spoil_ip_checksum = i == 1 ? 1 : 0; }},
    {"a wrong IPv4 header checksum keeps a datagram alone", kUdp4, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.spoil_ip_checksum = i == 1 ? 1 : 0; }, "023 1",
     kNoOvertaking},
    {"a wrong IPv4 header checksum of the first packet keeps it alone", kV4, "0 123",
     [](size_t i, FlowFields& f) { f.spoil_ip_checksum = i == 0 ? 1 : 0; }},
    {"IPv4 options keep a TCP packet alone", kTcp4, "0 1 23",
     [](size_t i, FlowFields& f) { f.ip_option_words = i == 1 ? 1 : 0; }},
    {"IPv4 options keep a datagram alone", kUdp4, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.ip_option_words = i == 1 ? 1 : 0; }, "023 1",
     kNoOvertaking},
    {"a fragment of TCP is not joined", kTcp4, "0 1 23",
     [](size_t i, FlowFields& f) { f.more_fragments = i == 1; }},
    {"a fragment of UDP is not joined", kUdp4, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.more_fragments = i == 1; }, "023 1", kNoOvertaking},
    {"a later fragment is not joined", kUdp4, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.fragment_offset = i == 1 ? 100 : 0; }, "023 1",
     kNoOvertaking},
    {"IPv6 extension headers keep packets alone", kV6, "0 1 2 3",
     [](size_t, FlowFields& f) { f.destination_options = true; }, "0123",
     "hardly anybody sends them, and each would be read on the way of every packet"},
    // TCP.
    {"PSH closes a run", kTcp, "01 23", [](size_t i, FlowFields& f) { f.flags = i == 1 ? kAck | kPsh : kAck; }},
    {"FIN closes a run", kTcp, "01 23", [](size_t i, FlowFields& f) { f.flags = i == 1 ? kAck | kFin : kAck; }},
    {"a first packet with PSH stays alone", kTcp, "0 123",
     [](size_t i, FlowFields& f) { f.flags = i == 0 ? kAck | kPsh : kAck; }},
    {"SYN is not joined", kTcp, "0 1 23", [](size_t i, FlowFields& f) { f.flags = i == 1 ? kAck | kSyn : kAck; }},
    {"RST is not joined", kTcp, "0 1 23", [](size_t i, FlowFields& f) { f.flags = i == 1 ? kAck | kRst : kAck; }},
    {"URG is not joined", kTcp, "0 1 2 3", [](size_t, FlowFields& f) { f.flags = kAck | kUrg; }},
    {"another urgent pointer is not joined, though nobody reads it without URG", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.urgent = i == 1 ? 1 : 0; }, "0?23",
     "joined and cut again, a packet is to be the same to the last bit; the kernel loses these"},
    {"CWR is not joined", kTcp, "0 1 23", [](size_t i, FlowFields& f) { f.flags = i == 1 ? kAck | kCwr : kAck; }},
    {"CWR after CWR is not joined", kTcp, "0 1 2 3", [](size_t, FlowFields& f) { f.flags = kAck | kCwr; }},
    {"another ECE is not joined", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.flags = i == 1 ? kAck | kEce : kAck; }},
    {"ECE in every packet is joined", kTcp, "0123", [](size_t, FlowFields& f) { f.flags = kAck | kEce; }},
    {"another reserved bit is not joined", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.reserved = i == 1 ? 1 : 0; }},
    {"another acknowledgement number is not joined", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.ack = i == 1 ? 8 : 7; }},
    {"another window is not joined", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.window = i == 1 ? 511 : 512; }},
    {"other timestamps are not joined", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.options[7] = i == 1 ? 2 : 1; }},
    {"options of another length are not joined", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { if (i == 1) f.options.clear(); }},
    {"packets without options are joined", kTcp, "0123", [](size_t, FlowFields& f) { f.options.clear(); }},
    {"a gap in the sequence numbers is not joined", kTcp, "01 23",
     [](size_t i, FlowFields& f) { f.seq += i >= 2 ? 1 : 0; }},
    {"a packet sent again is not joined", kTcp, "01 2 3",
     [](size_t i, FlowFields& f) { f.seq -= i == 2 ? 1000 : 0; }},
    {"a wrong TCP checksum keeps a packet alone", kTcp, "0 1 23",
     [](size_t i, FlowFields& f) { f.spoil_checksum = i == 1 ? 1 : 0; }},
    // UDP.
    {"a wrong UDP checksum keeps a datagram alone", kUdp, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.spoil_checksum = i == 1 ? 1 : 0; }, "023 1",
     kNoOvertaking},
    {"a wrong checksum of the first packet keeps it alone", kAll, "0 123",
     [](size_t i, FlowFields& f) { f.spoil_checksum = i == 0 ? 1 : 0; }},
    {"datagrams without a checksum are not joined", kUdp, "0 1 2 3",
     [](size_t, FlowFields& f) { f.no_checksum = true; }},
    {"a datagram without a checksum is not joined with others", kUdp, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.no_checksum = i == 1; }, "023 1", kNoOvertaking},
    {"a UDP length that is not the packet's keeps it alone", kUdp, "0 1 23",
     [](size_t i, FlowFields& f) { f.fixed_id = true, f.length_error = i == 1 ? -1 : 0; }, "023 1", kNoOvertaking},
};

}  // namespace dvr::test
