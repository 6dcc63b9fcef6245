// What the fast path's routing must come to, the slow and obvious way: every route looked at, addresses
// compared bit by bit, the checksum made anew. Written from RFC 1812 and RFC 8200, not from native/router.
#pragma once

#include <optional>

#include "builders.hpp"
#include "tables/tables.hpp"

namespace dvr::test {

struct Routed {
  LocalVlan local_vlan;
  Bytes frame;
};

inline bool slow_match(const IpAddr& prefix, size_t bits, const IpAddr& ip) {
  for (size_t bit = 0; bit < bits; ++bit)
    if (((prefix.bytes[bit / 8] ^ ip.bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
  return true;
}

// A default route of IPv6 is not one of IPv4, although tables have both in one space.
inline std::optional<RoutesRow::Value> slow_longest(const Tables& tables, RouterId router, const IpAddr& ip) {
  std::optional<RoutesRow::Value> best;
  int best_bits = -1;
  tables.of<RoutesRow>().for_each([&](const RoutesRow::Key& key, const RoutesRow::Value& value) {
    if (key.router != router || key.ip.is_v4() != ip.is_v4() || int{key.prefix_bits} <= best_bits) return;
    if (!slow_match(key.ip, key.prefix_bits, ip)) return;
    best = value, best_bits = key.prefix_bits;
  });
  return best;
}

inline bool slow_is_unroutable(const IpAddr& ip, bool is_v4) {
  const auto within = [&](const IpAddr& prefix, size_t bits) { return slow_match(prefix, bits, ip); };
  if (is_v4)
    return within("0.0.0.0"_ip, 104) || within("127.0.0.0"_ip, 104) || within("169.254.0.0"_ip, 112) ||
           within("224.0.0.0"_ip, 100) || within("240.0.0.0"_ip, 100);
  return within("::"_ip, 128) || within("::1"_ip, 128) || within("fe80::"_ip, 10) || within("ff00::"_ip, 8) ||
         within("::ffff:0:0"_ip, 96);
}

// The IP packet in the frame without its padding; empty where it is none that a router just passes on.
inline Bytes slow_packet(const Bytes& frame) {
  if (frame.size() < 34) return {};
  const bool is_v4 = frame[12] == 8 && frame[13] == 0 && frame[14] == 0x45;
  const bool is_v6 = frame[12] == 0x86 && frame[13] == 0xdd && frame[14] / 16 == 6 && frame.size() >= 54;
  if (!is_v4 && !is_v6) return {};
  const size_t bytes = is_v4 ? size_t{frame[16]} * 256 + frame[17] : 40 + size_t{frame[18]} * 256 + frame[19];
  if (bytes < 20 || 14 + bytes > frame.size()) return {};
  const uint8_t ttl = is_v4 ? frame[22] : frame[21];
  const bool has_hop_by_hop = is_v6 && frame[20] == 0;
  if (ttl < 2 || has_hop_by_hop) return {};
  if (is_v4 && slow_sum({frame.data() + 14, 20}) != 0xffff) return {};
  return {frame.begin() + 14, frame.begin() + 14 + static_cast<ptrdiff_t>(bytes)};
}

inline Bytes with_one_hop_less(Bytes packet) {
  if (packet[0] / 16 == 6) return --packet[7], packet;
  --packet[8];
  packet[10] = packet[11] = 0;
  const auto sum = static_cast<uint16_t>(~slow_sum({packet.data(), 20}));
  packet[10] = static_cast<uint8_t>(sum >> 8), packet[11] = static_cast<uint8_t>(sum);
  return packet;
}

inline bool slow_fits(const Bytes& packet, const Offload& offload, const NetworkRow::Value& network) {
  const bool is_super_frame = offload.gso != GsoType::none;
  // Modulo 2^64 like the stage, where a header is said to be shorter than Ethernet's.
  return (is_super_frame ? size_t{offload.header_bytes} - 14 + offload.gso_bytes : packet.size()) <=
         network.mtu_bytes;
}

// The packet of a VM that came to its router's MAC, or nothing where the namespace has to look at it.
inline std::optional<Routed> slow_route(const Tables& tables, PortId port, const Offload& offload,
                                        LocalVlan local_vlan, const Bytes& frame) {
  const auto* sender = tables.find<PortRow>({port});
  const auto* gateway = tables.find<RouterMacRow>({local_vlan, MacAddr::of(frame.data())});
  if (sender == nullptr || sender->kind != PortKind::vm || gateway == nullptr) return std::nullopt;
  const RouterId router = gateway->router;
  if (router.value == 0 || gateway->namespace_port == kNoPort) return std::nullopt;

  const Bytes packet = slow_packet(frame);
  if (packet.empty()) return std::nullopt;
  const bool is_v4 = packet[0] / 16 == 4;
  const IpAddr src = is_v4 ? IpAddr::v4(&packet[12]) : IpAddr::v6(&packet[8]);
  const IpAddr dst = is_v4 ? IpAddr::v4(&packet[16]) : IpAddr::v6(&packet[24]);
  if (slow_is_unroutable(src, is_v4) || slow_is_unroutable(dst, is_v4)) return std::nullopt;
  const auto* own = tables.find<RoutesRow>({router, 128, src});
  if (own != nullptr && own->to_namespace) return std::nullopt;

  const auto route = slow_longest(tables, router, dst);
  if (!route || route->to_namespace || route->local_vlan == local_vlan) return std::nullopt;
  const auto* neighbour =
      tables.find<NeighbourRow>({route->local_vlan, route->next_hop.is_any() ? dst : route->next_hop});
  const auto* network = tables.find<NetworkRow>({route->local_vlan});
  if (neighbour == nullptr || neighbour->router || network == nullptr) return std::nullopt;
  if (!slow_fits(packet, offload, *network)) return std::nullopt;
  const bool is_padded = 14 + packet.size() < frame.size();
  if (is_padded && (offload.needs_csum || offload.gso != GsoType::none)) return std::nullopt;

  return Routed{route->local_vlan, ethernet({.src = route->gateway_mac, .dst = neighbour->mac},
                                            {is_v4 ? uint16_t{0x0800} : uint16_t{0x86dd}, with_one_hop_less(packet)})};
}

}  // namespace dvr::test
