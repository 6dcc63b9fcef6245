// What all workers have counted together. Counts are read while they go on, each whole and none of them waited for
// (counters.hpp).
// Before: the workers' counters. Next: node-api.
#pragma once

#include <utility>
#include <vector>

#include "worker/counters.hpp"

namespace dvr {

struct PortTotals {
  uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;

  PortTotals& operator+=(const PortCount& count);
  PortTotals& operator-=(const PortTotals& before);
};

struct Totals {
  uint64_t stages[kStageCount] = {};
  uint64_t edges[kStageCount][kEdgeTargets] = {};
  uint64_t drops[kDropReasonCount] = {};
  std::vector<std::pair<PortId, PortTotals>> ports;  // of the open devices, since they were opened
  uint64_t engine[kEngineCounterCount] = {};
  uint64_t events_lost = 0;

  // All but what is a port's: which of them are open, only the dataplane knows.
  Totals& operator+=(const Counters& counters);
};

}  // namespace dvr
