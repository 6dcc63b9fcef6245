#include "worker/totals.hpp"

#include <algorithm>

namespace dvr {

PortTotals& PortTotals::operator+=(const PortCount& count) {
  rx_packets += count.rx_packets.value();
  rx_bytes += count.rx_bytes.value();
  tx_packets += count.tx_packets.value();
  tx_bytes += count.tx_bytes.value();
  return *this;
}

PortTotals& PortTotals::operator-=(const PortTotals& before) {
  rx_packets -= before.rx_packets;
  rx_bytes -= before.rx_bytes;
  tx_packets -= before.tx_packets;
  tx_bytes -= before.tx_bytes;
  return *this;
}

Totals& Totals::operator+=(const Counters& counters) {
  for (size_t stage = 0; stage < kStageCount; ++stage) {
    stages[stage] += counters.stages[stage].value();
    for (size_t next = 0; next < kEdgeTargets; ++next) edges[stage][next] += counters.edges[stage][next].value();
  }
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) drops[reason] += counters.drops[reason].value();
  for (size_t at = 0; at < kEngineCounterCount; ++at) {
    const uint64_t count = (counters.engine.*kEngineCounts[at]).value();
    const bool is_sum = kEngineCounters[at].over_workers == OverWorkers::sum;
    engine[at] = is_sum ? engine[at] + count : std::max(engine[at], count);
  }
  return *this;
}

}  // namespace dvr
