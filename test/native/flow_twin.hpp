// A frame sent twice, through the pipeline alone and through a flow cache in front of it: both must make the same of
// it, to the last byte and count. And the ways in which the next packet of a flow differs from the one before.
#pragma once

#include "invariants.hpp"
#include "pipeline/flow_cache.hpp"
#include "worker/counters.hpp"

namespace dvr::test {

// What a worker counts of stages, as plain numbers.
struct StageCounts {
  std::array<uint64_t, kStageCount> stages{};
  std::array<std::array<uint64_t, kEdgeTargets>, kStageCount> edges{};

  void passed(StageId stage, StageId next, uint64_t packets) {
    stages[static_cast<size_t>(stage)] += packets;
    edges[static_cast<size_t>(stage)][static_cast<size_t>(next)] += packets;
  }
  bool has(StageId stage) const { return stages[static_cast<size_t>(stage)] > 0; }
  bool operator==(const StageCounts&) const = default;

  // As the policy of a runner.
  void enter(StageId, const Packet&, const Effects&) {}
  void leave(StageId stage, StageId next, const Packet&, const Effects&) { passed(stage, next, 1); }
  void leaves_bridge(Bridge, const Packet&) {}
};

struct Outcome {
  StageId verdict{};
  Packet packet;
  Effects effects;
  Bytes bytes;  // the frame, with its VXLAN header in front where it has one
  bool intact = false;
  StageCounts counts;

  uint16_t ether_type() const { return load_be16(&bytes[in_front() + 12]); }
  size_t in_front() const { return packet.encapsulated ? kVxlanHeaderBytes : 0; }
};

// Runs the frame by `run(entry, packet, effects, counts)`.
template <class Run>
Outcome outcome_of(const Tables& tables, const Arrival& arrival, const Bytes& frame, Run&& run) {
  Buffer buffer(frame, arrival.tailroom);
  Outcome outcome;
  Packet& packet = outcome.packet = packet_of(buffer, arrival);
  outcome.verdict = run(entry_of(arrival.port, tables), packet, outcome.effects, outcome.counts);
  outcome.bytes.assign(packet.frame.data() - outcome.in_front(), packet.frame.data() + packet.frame.size());
  outcome.intact = buffer.intact() && (packet.frame.empty() || buffer.contains(packet.frame));
  packet.frame = {};  // `bytes` has it; the buffer goes
  return outcome;
}

inline Broken different_metadata(const Packet& one, const Packet& other) {
  if (one.in_port != other.in_port || one.out_port != other.out_port) return "another port";
  if (one.local_vlan != other.local_vlan || one.vni != other.vni) return "another network";
  if (one.router != other.router || one.namespace_port != other.namespace_port) return "another router";
  if (one.provider_vlan != other.provider_vlan || one.on_wire != other.on_wire) return "another wire";
  if (one.encapsulated != other.encapsulated || one.outer.vtep != other.outer.vtep) return "another VTEP";
  if (one.outer.tos != other.outer.tos || one.outer.flow_hash != other.outer.flow_hash) return "another outer mark";
  if (one.tailroom != other.tailroom || one.offload != other.offload) return "other work left for the device";
  if (one.drop_reason != other.drop_reason) return "another drop reason";
  return nullptr;
}

inline Broken different(const Outcome& alone, const Outcome& cached) {
  if (alone.verdict != cached.verdict) return "another verdict";
  if (alone.bytes != cached.bytes) return "other bytes";
  if (!cached.intact) return "bytes outside the frame and its headroom were written";
  if (!(alone.counts == cached.counts)) return "other counts of stages and edges";
  const auto& [one, other] = std::pair{alone.effects, cached.effects};
  if (one.copy_to.data() != other.copy_to.data() || one.copy_to_vteps.data() != other.copy_to_vteps.data())
    return "other copies";
  if (one.learn.asked != other.learn.asked || one.announce.asked != other.announce.asked) return "other news";
  return different_metadata(alone.packet, cached.packet);
}

class FlowTwins {
 public:
  // Null: both made the same of it. `tables` are versions of one dataplane.
  Broken send(const Tables& tables, const Arrival& arrival, const Bytes& frame) {
    last = outcome_of(tables, arrival, frame, [&](StageId entry, Packet& packet, Effects& effects, auto& counts) {
      return run_pipeline(entry, packet, tables, effects, counts);
    });
    const auto through_cache = [&](StageId entry, Packet& packet, Effects& effects, auto& counts) {
      const StageId verdict = cache_->run(entry, packet, tables, effects, counts);
      hit = cache_->settle([&](auto... passed) { counts.passed(passed...); }) == 1;
      return verdict;
    };
    return different(last, outcome_of(tables, arrival, frame, through_cache));
  }

  Outcome last;      // of the pipeline alone
  bool hit = false;  // the cache knew it

 private:
  std::unique_ptr<FlowCache> cache_ = std::make_unique<FlowCache>();
};

// Puts lengths and the IPv4 checksum right again; there is room for either IP header.
inline void mend(Bytes& frame, size_t ethernet) {
  const auto put16 = [&](size_t at, size_t value) {
    store_be16(&frame[ethernet + at], static_cast<uint16_t>(value));
  };
  const size_t ip_bytes = frame.size() - ethernet - 14;
  if (frame[ethernet + 12] == 0x86) return put16(18, ip_bytes - 40);
  if (frame[ethernet + 12] != 0x08) return;
  put16(16, ip_bytes), put16(24, 0);
  put16(24, static_cast<uint16_t>(~slow_sum(std::span(frame).subspan(ethernet + 14, 20))));
}

// What comes after this frame on the same way: nearly the same. `dice` has below() and byte().
template <class Dice>
void become_next(Dice& dice, Arrival& arrival, Bytes& frame) {
  const size_t ethernet = arrival.port == kTunnelPort ? kVxlanHeaderBytes : 0;
  const size_t least_bytes = ethernet + 58;  // IPv6 and its ports
  if (frame.size() < least_bytes) return;
  const auto set = [&](size_t at, size_t count) {
    for (size_t byte = ethernet + at; byte < ethernet + at + count; ++byte) frame[byte] = dice.byte();
  };
  const bool is_ipv4 = frame[ethernet + 12] == 0x08;
  const auto below = [&](uint32_t limit) { return static_cast<uint16_t>(dice.below(limit)); };
  switch (dice.below(21)) {
    case 0: return;
    // What a flow's packets differ in, and what makes another flow of them.
    case 1: set(18, 2); break;                           // identification; of IPv6 nothing, once it is mended
    case 2: frame.resize(frame.size() + below(120)); break;
    case 3: frame.resize(frame.size() + below(1600)); break;
    case 4: frame.resize(std::max(least_bytes, frame.size() - below(50))); break;
    case 5: set(is_ipv4 ? 22 : 21, 1); break;            // TTL
    case 6: frame[ethernet + 15] ^= dice.byte() & (is_ipv4 ? 3 : 0x30); break;  // ECN
    case 7: frame[ethernet + 20] ^= 0x40; break;         // DF
    case 8: set((is_ipv4 ? 34 : 54) + below(2) * 2u, 2); break;  // a port
    case 9: set(is_ipv4 ? 38 : 50, below(5)); break;     // what follows the ports; of IPv6 the destination
    case 10: set(below(54), 1); break;
    // Not mended.
    case 11: frame.resize(frame.size() + below(9)); return;  // padding
    case 12: set(24, 2); return;                             // IPv4 checksum
    case 13: frame[below(static_cast<uint32_t>(frame.size()))] = dice.byte(); return;
    case 14: arrival.tos = ethernet > 0 ? dice.byte() : uint8_t{0}; return;
    case 15: arrival.vtep.bytes[15] = static_cast<uint8_t>(below(5)); return;
    case 16: if (ethernet == 0) arrival.port.value = kFirstFreePort + below(24); return;
    case 17: if (ethernet > 0) frame[6] = static_cast<uint8_t>(99 + below(6)); return;  // VNI
    case 18: if (ethernet == 0) arrival.tailroom = below(200); return;
    case 19: arrival.offload = {GsoType::tcp_v4, false, true, below(2000), 54, 34, 16}; return;
    default: arrival.offload = {}; return;
  }
  mend(frame, ethernet);
}

}  // namespace dvr::test
