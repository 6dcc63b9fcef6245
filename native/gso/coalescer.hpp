// Joins packets of one flow that go to one TAP into super-frames: what GRO does in the kernel. A worker offers
// every packet for a port; those that may be joined wait in their flow's run until the batch ends, the run is
// closed, or another packet of the flow must not be joined.
// Before: the pipeline's verdict. Next: the TAP, one write a run.
//
// Order: a flow's packets leave in the order they came. What cannot be joined writes its own flow's run first
// and is then written by the caller; what may be of several flows (fragments) writes the runs of all of them.
// Each worker has its own; nothing here waits for a clock.
#pragma once

#include <bit>

#include "gso/run.hpp"

namespace dvr {

// Flows that wait at one time: as many as the interleaved flows that are to gain by it. A flow more writes the
// run that was opened longest ago.
inline constexpr size_t kMaxRuns = 64;

// The super-frames that a port's device takes.
struct Joins {
  bool tso = false;
  bool uso = false;
};

class Coalescer {
 public:
  // True: the packet waits, and its bytes must stay until it is written. False: it is not for joining; what
  // waited of its flow has been written, and the caller writes it now. `write` takes a Run&; it may be of
  // another flow, and it must not call back.
  template <class Write>
  bool offer(PortId port, Joins joins, const Packet& packet, Write&& write) {
    const FlowPacket arrived = read_flow_packet(packet);
    if (arrived.relation == Relation::none) return false;
    if (arrived.relation == Relation::addresses) {
      write_all(write, [&](const OpenRun& run) { return run.is_between(port, arrived); });
      return false;
    }
    const uint16_t signature = signature_of(port, arrived);
    if (const size_t slot = find(port, arrived, signature); slot != kMaxRuns) {
      if ((arrived.tcp ? joins.tso : joins.uso) && runs_[slot].join(arrived)) {
        if (runs_[slot].is_closed()) write_slot(slot, write);
        return true;
      }
      write_slot(slot, write);
    }
    if (!arrived.starts_run || !(arrived.tcp ? joins.tso : joins.uso)) return false;
    if (is_open(next_)) write_slot(next_, write);
    start(port, arrived, signature);
    return true;
  }

  // Writes every run, the oldest first.
  template <class Write>
  void flush(Write&& write) {
    write_all(write, [](const OpenRun&) { return true; });
  }

  bool is_empty() const { return open_ == 0; }

 private:
  static uint16_t signature_of(PortId port, const FlowPacket& packet);
  size_t find(PortId port, const FlowPacket& packet, uint16_t signature) const;
  void start(PortId port, const FlowPacket& packet, uint16_t signature);
  bool is_open(size_t slot) const { return (open_ >> slot & 1) != 0; }

  template <class Write>
  void write_slot(size_t slot, Write&& write) {
    open_ &= ~(uint64_t{1} << slot);
    signatures_[slot] = 0;
    Run run = runs_[slot].finish();
    write(run);
  }

  template <class Write, class Which>
  void write_all(Write&& write, Which&& which) {
    const size_t oldest = next_;
    for (uint64_t left = std::rotr(open_, static_cast<int>(oldest)); left != 0; left &= left - 1) {
      const size_t slot = (oldest + static_cast<size_t>(std::countr_zero(left))) % kMaxRuns;
      if (which(runs_[slot])) write_slot(slot, write);
    }
  }

  // Slots are given out in turn, so the one whose turn it is holds the oldest run or none.
  size_t next_ = 0;
  uint64_t open_ = 0;  // a bit a slot
  std::array<uint16_t, kMaxRuns> signatures_{};  // of the flow in each slot; 0: none
  std::array<OpenRun, kMaxRuns> runs_;
  static_assert(kMaxRuns == 64, "`open_` has one bit a slot");
};

}  // namespace dvr
