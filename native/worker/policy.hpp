// What a worker lets look on while the pipeline runs: counting and mirroring always, recording while the
// packet carries the trace marker.
#pragma once

#include "pipeline/recorder.hpp"
#include "worker/transmit.hpp"

namespace dvr {

struct Counted {
  Counters& counters;
  Transmit& transmit;

  void enter(StageId, const Packet&, const Effects&) {}
  void leave(StageId stage, StageId next, const Packet& packet, const Effects&) {
    counters.passed(stage, next);
    if (next == StageId::drop) counters.dropped(packet.drop_reason);
  }
  void leaves_bridge(Bridge bridge, const Packet& packet) { transmit.mirror(bridge, packet); }
};

struct CountedAndRecorded {
  Counted counted;
  Recorder& recorder;

  void enter(StageId stage, const Packet& packet, const Effects& effects) {
    counted.enter(stage, packet, effects);
    recorder.enter(stage, packet, effects);
  }
  void leave(StageId stage, StageId next, const Packet& packet, const Effects& effects) {
    recorder.leave(stage, next, packet, effects);
    counted.leave(stage, next, packet, effects);
  }
  void leaves_bridge(Bridge bridge, const Packet& packet) { counted.leaves_bridge(bridge, packet); }
};

}  // namespace dvr
