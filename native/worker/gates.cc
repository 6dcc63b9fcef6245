#include "worker/gates.hpp"

#include "base/clock.hpp"

namespace dvr {

bool Gates::hold(std::span<const GateHold> holds, uint64_t now_ns) {
  std::erase_if(until_ns_, [now_ns](const auto& gate) { return gate.second <= now_ns; });
  bool all_later = true;
  for (const auto& [name, until_ns] : holds) {
    const auto found = until_ns_.find(name);
    const uint64_t before_ns = found == until_ns_.end() ? now_ns : found->second;
    if (until_ns <= before_ns) all_later = false;
    if (until_ns > now_ns)
      until_ns_[name] = until_ns;
    else if (found != until_ns_.end())
      until_ns_.erase(found);
  }
  return all_later;
}

uint64_t Gates::shut_at_ns(const std::string& name) const {
  const auto found = until_ns_.find(name);
  const uint64_t tick_ns = coarse_tick_ns();
  return found == until_ns_.end() || found->second <= tick_ns ? 0 : found->second - tick_ns;
}

}  // namespace dvr
