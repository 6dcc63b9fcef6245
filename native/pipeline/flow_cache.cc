#include "pipeline/flow_cache.hpp"

#include <algorithm>
#include <cstring>

#include "base/checksum.hpp"
#include "packet/ipv4.hpp"

namespace dvr {
namespace {

uint8_t* vxlan_header_of(std::span<uint8_t> frame) { return frame.data() - kVxlanHeaderBytes; }

uint16_t checksum_change_of(const Arrived& arrived, std::span<uint8_t> frame) {
  return arrived.is_ipv4 ? checksum_change(arrived.ipv4_checksum, Ipv4View::of(frame)->checksum()) : uint16_t{0};
}

// What was made longer, shorter or whole is made anew for each packet.
bool is_same_frame(const Arrived& arrived, const Packet& before, const Packet& packet) {
  return packet.frame.data() == arrived.frame.data() && packet.frame.size() == arrived.frame.size() &&
         packet.tailroom == before.tailroom && packet.offload == before.offload;
}

}  // namespace

// False: the stages must be asked.
bool FlowCache::replay(const Arrived& arrived, uint64_t version, Packet& packet) {
  const Entry& entry = place_of(arrived.key);
  const bool fits = arrived.wire_bytes >= entry.least_bytes && arrived.wire_bytes <= entry.greatest_bytes;
  if (entry.version != version || !fits || !(entry.key == arrived.key)) return false;

  write_flow_bytes(arrived.frame, arrived.is_ipv4, entry.header);
  if (entry.checksum_change != 0)
    Ipv4View::of(arrived.frame)->set_checksum(checksum_changed(arrived.ipv4_checksum, entry.checksum_change));
  if (entry.made.encapsulated) std::memcpy(vxlan_header_of(arrived.frame), &entry.vxlan, kVxlanHeaderBytes);

  const Packet own = packet;
  packet = entry.made;
  packet.frame = arrived.frame;
  packet.tailroom = own.tailroom;
  packet.offload = own.offload;
  packet.drop_reason = own.drop_reason;
  ++ways_[entry.way].packets;
  return true;
}

void FlowCache::remember(const Arrived& arrived, const Packet& before, uint64_t version, uint32_t stages,
                         const Packet& packet) {
  if (!is_same_frame(arrived, before, packet)) return;
  Entry& entry = place_of(arrived.key);
  const uint16_t way = place_of_way(stages);
  const bool is_same_way = entry.version == version && entry.way == way && entry.key == arrived.key;
  const uint32_t bytes = arrived.wire_bytes;
  entry.least_bytes = is_same_way ? std::min(entry.least_bytes, bytes) : bytes;
  entry.greatest_bytes = is_same_way ? std::max(entry.greatest_bytes, bytes) : bytes;
  entry.key = arrived.key;
  entry.version = version;
  entry.way = way;
  read_flow_bytes(packet.frame, arrived.is_ipv4, entry.header);
  entry.checksum_change = checksum_change_of(arrived, packet.frame);
  if (packet.encapsulated) std::memcpy(&entry.vxlan, vxlan_header_of(packet.frame), kVxlanHeaderBytes);
  entry.made = packet;
}

uint16_t FlowCache::place_of_way(uint32_t stages) {
  uint16_t place = 0;
  while (place < way_count_ && ways_[place].stages != stages) ++place;
  if (place == way_count_) ways_[way_count_++].stages = stages;
  return place;
}

}  // namespace dvr
