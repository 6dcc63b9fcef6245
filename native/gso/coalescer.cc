#include "gso/coalescer.hpp"

#include <cstring>

namespace dvr {
namespace {

uint64_t mix(uint64_t hash, const uint8_t* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  // The golden ratio's bits: a multiplication carries every bit upwards, where the signature is taken.
  return std::rotl(hash ^ word, 29) * 0x9e3779b97f4a7c15;
}

}  // namespace

uint16_t Coalescer::signature_of(PortId port, const FlowPacket& packet) {
  const auto key = packet.key();
  uint64_t hash = uint64_t{port.value} << 1 | (packet.tcp ? 1 : 0);
  for (size_t at = 0; at + 8 <= key.size(); at += 8) hash = mix(hash, &key[at]);
  hash = mix(hash, &key[key.size() - 8]);
  return static_cast<uint16_t>(hash >> 48 | 1);
}

// All signatures are compared at once (the compiler makes vectors of the loop), and few keys after it.
size_t Coalescer::find(PortId port, const FlowPacket& packet, uint16_t signature) const {
  uint8_t equal[kMaxRuns];
  for (size_t slot = 0; slot < kMaxRuns; ++slot) equal[slot] = signatures_[slot] == signature ? 1 : 0;
  for (size_t slot = 0; slot < kMaxRuns; slot += 8) {
    uint64_t eight;
    std::memcpy(&eight, &equal[slot], sizeof eight);
    if (eight == 0) continue;
    for (size_t at = slot; at < slot + 8; ++at)
      if (equal[at] != 0 && runs_[at].is_of_flow(port, packet)) return at;
  }
  return kMaxRuns;
}

void Coalescer::start(PortId port, const FlowPacket& packet, uint16_t signature) {
  runs_[next_].start(port, packet);
  signatures_[next_] = signature;
  open_ |= uint64_t{1} << next_;
  next_ = (next_ + 1) % kMaxRuns;
}

}  // namespace dvr
