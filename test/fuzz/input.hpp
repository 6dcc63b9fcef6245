// What the fuzzers share: the first bytes of an input choose tables and metadata, the rest is the frame.
#pragma once

#include "../native/invariants.hpp"
#include "../native/random_world.hpp"

namespace dvr::test {

// Takes bytes from the front of an input; zeros when there are no more.
class Input {
 public:
  Input(const uint8_t* data, size_t bytes) : rest_(data, bytes) {}
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  uint16_t number() { return static_cast<uint16_t>(byte() << 8 | byte()); }
  Bytes rest() const { return {rest_.begin(), rest_.end()}; }

 private:
  std::span<const uint8_t> rest_;
};

// A few tables that differ where the stages do, made once.
inline const Tables& tables_of(uint8_t choice) {
  static const auto variants = [] {
    std::vector<std::shared_ptr<const Tables>> all{cn1(), cn2(), std::make_shared<Tables>()};
    all.push_back(Batch().put<PortRow>({{16}}, {PortKind::vm, {1}, kVm1.mac, false}).on(*cn1()));
    all.push_back(Batch().erase<DvrMacRow>({kDvrMac1}).on(*cn1()));
    all.push_back(Batch().put<AllowedSourceRow>({{16}, kVm1.mac, "10.1.0.0"_ip, 120})
                      .put<AllowedSourceRow>({{16}, kVm1.mac, {}, 0})
                      .put<DvrToSrcMacRow>({{1}, kVm1.mac, kVm1.ip6}, {kOtherRouter.mac, {16}})
                      .on(*cn1()));
    all.push_back(cn1_fast());
    all.push_back(advertising(kCn1));
    for (uint64_t seed = 0; seed < 4; ++seed) {
      Random random(seed);
      all.push_back(WorldMaker(random).make().tables);
    }
    all.push_back(cn1_outside());
    return all;
  }();
  return *variants[choice % variants.size()];
}

inline PortId port_of(uint8_t choice) {
  static constexpr uint16_t kPorts[] = {1, 16, 20, 17, 21, 32, 33, 40, 41, 999, 18, 19, 2, 0, 50, 51, 52, 53};
  return {kPorts[choice % std::size(kPorts)]};
}

// A frame of a port has no outer TOS: the byte says how much room is behind it.
inline size_t tailroom_of(const Arrival& arrival) {
  return arrival.port == kTunnelPort ? 0 : size_t{arrival.tos} * 4;
}

// One byte of flags, and two numbers where they ask for a super-frame.
inline Offload offload_of(Input& input) {
  const uint8_t flags = input.byte();
  if ((flags & 3) == 0) return {};
  Offload offload{.needs_csum = true, .csum_start = 34, .csum_offset = 16};
  offload.gso = (flags & 3) == 1 ? GsoType::tcp_v4 : (flags & 3) == 2 ? GsoType::tcp_v6 : GsoType::udp_l4;
  offload.gso_bytes = input.number();
  offload.header_bytes = input.byte();
  return offload;
}

inline void must_hold(Broken broken) {
  if (broken == nullptr) return;
  std::fprintf(stderr, "broken: %s\n", broken);
  std::abort();
}

}  // namespace dvr::test
