// One worker: a thread that waits for its ports, and runs every packet through the pipeline as it is read, or past
// it where the flow cache knows what comes out. A pass of its loop serves all ports that have something, then the
// tunnel, then sends what has collected on the way (trains); nothing ever waits for a timer. With nothing to do it
// looks again for a moment, then sleeps (lookout.hpp).
//
// Threads: `run` and everything private to it belong to the worker's thread. JS's thread calls the public
// functions; they meet it only in rings, counters, published versions, and the kernel's epoll and eventfd.
// A queue is always one worker's, and a flow's direction always one queue's, so no packet overtakes another of
// its flow. Devices with a single queue are shared out by port number.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "io/bell.hpp"
#include "io/system_error.hpp"
#include "pipeline/flow_cache.hpp"
#include "pipeline/recorder.hpp"
#include "worker/announcement_limit.hpp"
#include "worker/arena.hpp"
#include "worker/counters.hpp"
#include "worker/lookout.hpp"
#include "worker/ring.hpp"
#include "worker/transmit.hpp"
#include "worker/wiring.hpp"

namespace dvr {

inline constexpr size_t kTraceRecords = 1024;   // waiting for JS, per worker; more are lost and counted
inline constexpr size_t kWaitingEvents = 4096;  // likewise; the oldest are kept
inline constexpr size_t kWaitingAnnouncements = 1024;  // likewise
inline constexpr size_t kWaitingInjections = 64;
// A train received with as much as this makes good super-frames by itself: they are written at once, so that the
// next train is received to the same, still hot bytes.
inline constexpr size_t kFullTrainBytes = 32 << 10;

// A frame to put in as if the port's device had sent it.
struct Injection {
  PortId port;
  std::vector<uint8_t> frame;
};

// A device that failed; its port may have another by the time JS asks.
struct Gone {
  PortId port;
  uint64_t serial = 0;
};

// What is the same for all workers of a dataplane.
struct DataplaneOptions {
  size_t workers = 1;
  uint32_t spin_us = kDefaultSpinUs;  // 0: sleep at once
  Features allowed = kAllFeatures;    // devices are opened with no others
};

struct Learned {
  LocalVlan local_vlan;
  MacAddr mac;
  IpAddr vtep;
};

// What a VM has announced of an address that may move.
struct Announced {
  PortId port;
  IpAddr ip;
  MacAddr mac;
};

class Worker {
 public:
  // `events` is rung when there is something to take.
  Worker(size_t index, const DataplaneOptions& options, Versions& versions, Bell& events);
  ~Worker() { stop(); }

  SystemError start();
  // Ends the loop and joins the thread. Safe to call twice.
  void stop();

  // The worker reads from this queue of the device from now on.
  SystemError watch(const Device& device, size_t queue) { return lookout_.watch(device, queue); }
  // It reads no more from the device.
  void unwatch(const Device& device) { lookout_.unwatch(device); }
  // False: kWaitingInjections wait already.
  bool inject(Injection injection);

  const Counters& counters() const { return *counters_; }
  uint64_t traces_lost() const { return traces_lost_.value(); }
  uint64_t events_lost() const { return events_lost_.value(); }
  bool take_trace(TraceRecord& record) { return traces_.take(record); }
  bool take_learned(Learned& learned) { return learned_.take(learned); }
  bool take_announced(Announced& announced) { return announced_.take(announced); }
  bool take_gone(Gone& gone) { return gone_.take(gone); }
  bool has_events() const { return !learned_.is_empty() || !announced_.is_empty() || !gone_.is_empty(); }

 private:
  void run(std::stop_token stop);
  void pass(std::span<const epoll_event> ready);
  void serve(uint64_t key, uint32_t events);
  void serve_port(const Device& device, int fd, uint32_t events);
  void serve_vtep(int fd, uint32_t events);
  void serve_injections();
  void device_gone(const Device& device);
  template <class Event, size_t kSize>
  void tell(Ring<Event, kSize>& events, const Event& event);
  void settle(size_t bytes_read);
  void flush();
  void count_flows();
  void process(Packet& packet, StageId entry);
  void tell_of(const Packet& packet, const Effects& effects);
  StageId run_recorded(Packet& packet, StageId entry, Effects& effects);

  const size_t index_;
  const size_t worker_count_;
  Versions& versions_;
  Bell& events_;
  Lookout lookout_;

  // The worker thread's own; tables and wiring are valid during a pass.
  const Tables* tables_ = nullptr;
  const Wiring* wiring_ = nullptr;
  Arena arena_;
  PassEnd past_;
  uint32_t passages_ = 0;
  AnnouncementLimit announcement_limit_;
  FlowCache flows_;

  std::unique_ptr<Counters> counters_ = std::make_unique<Counters>();
  Transmit transmit_{*counters_};
  Count traces_lost_, events_lost_;
  Ring<TraceRecord, kTraceRecords> traces_;
  Ring<Learned, kWaitingEvents> learned_;
  Ring<Announced, kWaitingAnnouncements> announced_;
  Ring<Gone, kWaitingEvents> gone_;
  Ring<Injection, kWaitingInjections> injections_;
  std::jthread thread_;
};

}  // namespace dvr
