#include "pipeline/flow_key.hpp"

#include <algorithm>
#include <cstring>

#include "packet/ipv4.hpp"
#include "packet/ipv6.hpp"

namespace dvr {
namespace {

constexpr size_t kLeastTransportBytes = 8;  // all of UDP's header, and what the words above reach into
constexpr size_t kIpv6PortsRest = 56;       // of the frame: behind kIpv6Words

static_assert(kIpv4Words[std::size(kIpv4Words) - 1].at + 8 <= kEthernetBytes + kIpv4Bytes + kLeastTransportBytes);
static_assert(kIpv6PortsRest + 2 <= kEthernetBytes + kIpv6Bytes + kLeastTransportBytes);

template <class Word>
Word load(std::span<const uint8_t> bytes, size_t at) {
  Word word;
  std::memcpy(&word, bytes.subspan(at, sizeof word).data(), sizeof word);
  return word;
}

bool has_ports(uint8_t protocol) { return protocol == kProtocolTcp || protocol == kProtocolUdp; }

bool is_plain(const Ipv4View& ip, size_t frame_bytes) {
  return ip.header_bytes() == kIpv4Bytes && has_ports(ip.protocol()) && !ip.is_fragment() &&
         ip.total_bytes() >= kIpv4Bytes + kLeastTransportBytes && kEthernetBytes + ip.total_bytes() == frame_bytes &&
         ip.checksum_is_right();
}

bool is_plain(const Ipv6View& ip, size_t frame_bytes) {
  return has_ports(ip.next_header()) && ip.payload_bytes() >= kLeastTransportBytes &&
         kEthernetBytes + kIpv6Bytes + ip.payload_bytes() == frame_bytes;
}

bool read_ip(std::span<uint8_t> frame, uint16_t ether_type, Arrived& arrived) {
  if (ether_type == kEtherTypeIpv4) {
    const auto ip = Ipv4View::of(frame);
    if (!ip || !is_plain(*ip, frame.size())) return false;
    arrived.is_ipv4 = true;
    arrived.ipv4_checksum = ip->checksum();
    return true;
  }
  if (ether_type != kEtherTypeIpv6) return false;
  const auto ip = Ipv6View::of(frame);
  if (!ip || !is_plain(*ip, frame.size())) return false;
  arrived.key.rest = uint64_t{load<uint16_t>(frame, kIpv6PortsRest)} << 32;
  return true;
}

template <size_t kWords>
void read_words(std::span<const uint8_t> frame, const HeaderWord (&words)[kWords], FlowBytes& into) {
  for (size_t at = 0; at < kWords; ++at) into[at] = load<uint64_t>(frame, words[at].at) & words[at].flow_bytes;
}

template <size_t kWords>
void write_words(std::span<uint8_t> frame, const HeaderWord (&words)[kWords], const FlowBytes& from) {
  for (size_t at = 0; at < kWords; ++at) {
    const uint64_t word = (load<uint64_t>(frame, words[at].at) & ~words[at].flow_bytes) | from[at];
    std::memcpy(frame.subspan(words[at].at, sizeof word).data(), &word, sizeof word);
  }
}

// False: it is known by nothing.
bool read(const Packet& packet, StageId entry, Arrived& arrived) {
  arrived.frame = packet.frame;
  if (packet.from_tunnel()) {
    if (packet.frame.size() < kVxlanHeaderBytes) return false;
    arrived.key.vxlan = load<uint64_t>(packet.frame, 0);
    arrived.frame = packet.frame.subspan(kVxlanHeaderBytes);
  }
  const auto ethernet = EthernetView::of(arrived.frame);
  if (!ethernet || ethernet->dst().is_group()) return false;
  if (!read_ip(arrived.frame, ethernet->ether_type(), arrived)) return false;

  read_flow_bytes(arrived.frame, arrived.is_ipv4, arrived.key.header);
  std::memcpy(arrived.key.vtep.data(), packet.outer.vtep.bytes.data(), sizeof arrived.key.vtep);
  arrived.key.rest |= uint64_t{packet.in_port.value} << 16 | uint64_t{packet.outer.tos} << 8;
  arrived.key.rest |= static_cast<uint64_t>(entry);
  const size_t wire_bytes = packet.offload.wire_bytes(arrived.frame.size());
  arrived.wire_bytes = static_cast<uint32_t>(std::min<size_t>(wire_bytes, UINT32_MAX));
  return true;
}

}  // namespace

std::optional<Arrived> read_arrived(const Packet& packet, StageId entry) {
  std::optional<Arrived> arrived(std::in_place);
  if (!read(packet, entry, *arrived)) arrived.reset();
  return arrived;
}

void read_flow_bytes(std::span<const uint8_t> frame, bool is_ipv4, FlowBytes& into) {
  if (is_ipv4)
    read_words(frame, kIpv4Words, into);
  else
    read_words(frame, kIpv6Words, into);
}

void write_flow_bytes(std::span<uint8_t> frame, bool is_ipv4, const FlowBytes& from) {
  if (is_ipv4)
    write_words(frame, kIpv4Words, from);
  else
    write_words(frame, kIpv6Words, from);
}

}  // namespace dvr
