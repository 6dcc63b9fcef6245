// What the worker's engine counts of itself: one list, with the sentence `dvr counters` prints. Each optimisation
// has a number that grows while it is on.
#pragma once

#include <cstddef>

namespace dvr {

// X(name, over several workers, sentence)
#define DVR_ENGINE_COUNTERS(X)                                                                           \
  X(passes, sum, "turns of a worker's loop that served something")                                       \
  X(wake_ups, sum, "sleeps that ended")                                                                  \
  X(spins, sum, "looks for packets without sleeping that found none")                                    \
  X(spins_found_work, sum, "turns that came after such looks: each is a sleep and a wake-up less")       \
  X(flow_cache_hits, sum, "packets that went the way known of their flow, past the stages")               \
  X(sends, sum, "system calls that sent to the tunnel")                                                  \
  X(trains, sum, "sends of several packets at once by UDP_SEGMENT")                                      \
  X(train_packets, sum, "packets in them")                                                               \
  X(longest_train, maximum, "packets in the longest of them")                                            \
  X(trains_refused, sum, "source ports that send packet by packet since the kernel refused a train (EIO)") \
  X(super_frames_in, sum, "TSO and USO frames that VMs and routers gave")                                \
  X(segments_cut, sum, "tunnel packets that such frames were cut into")                                  \
  X(runs, sum, "super-frames joined here and written at once")                                           \
  X(run_packets, sum, "packets in them")                                                                 \
  X(run_bytes, sum, "bytes of them")                                                                     \
  X(longest_run, maximum, "packets in the longest of them")                                              \
  X(announcements_untold, sum, "announcements of addresses by VMs that made more than are looked at")

enum class OverWorkers : bool { sum, maximum };

struct EngineCounterText {
  const char* name;
  OverWorkers over_workers;
  const char* sentence;
};

inline constexpr EngineCounterText kEngineCounters[] = {
#define X(name, over_workers, sentence) {#name, OverWorkers::over_workers, sentence},
    DVR_ENGINE_COUNTERS(X)
#undef X
};

inline constexpr size_t kEngineCounterCount = sizeof(kEngineCounters) / sizeof(kEngineCounters[0]);

}  // namespace dvr
