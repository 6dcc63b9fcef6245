// The control side of a running fast path: devices, tables, workers. Everything here is called by one
// thread (JS's) and returns at once; packets move on the workers' threads meanwhile.
// Before: node-api. Next: the workers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/device.hpp"
#include "io/system_error.hpp"
#include "io/tap.hpp"
#include "tables/batch.hpp"
#include "worker/gates.hpp"
#include "worker/totals.hpp"
#include "worker/worker.hpp"

namespace dvr {

inline constexpr size_t kMaxWorkers = 64;

class Dataplane {
 public:
  explicit Dataplane(const DataplaneOptions& options);
  ~Dataplane() { stop(); }

  SystemError start();
  // Joins the workers and closes every descriptor; devices stay in the kernel. Safe to call twice.
  void stop();

  // Opens the device, or answers with the open one if it has the same name and spec. EEXIST: the name or
  // the port is taken by another spec.
  Result<const Device*> open(const DeviceSpec& spec);
  // The same for the descriptors of a device that another process gave us.
  Result<const Device*> adopt(const DeviceSpec& spec, std::vector<Fd> queues, unsigned ifindex,
                              uint64_t pinned_netns = 0);
  // The same for a TAP that stands where an owner that is gone has moved it; null: it is not there.
  Result<const Device*> reattach(const DeviceSpec& spec, const MovedTap& moved);
  // Between hold and release no device taken in is read from: packets that wait in a device's ring must
  // not find the device they leave by still closed (a hand-over takes all of them, and loses nothing).
  void hold() { holding_ = true; }
  void release();
  // Closes the device and lets the kernel remove it once nobody else has a descriptor of it.
  void close_device(const std::string& name);
  std::vector<const Device*> devices() const;

  // The error is empty when the batch was applied.
  BatchResult apply(std::span<const uint8_t> batch);
  const Tables& tables() const { return versions_.tables.latest(); }

  // Both hold for every packet that arrives after the call.
  void set_trace(std::optional<TraceMarker> marker);
  void set_mirrors(const Mirrors& mirrors);
  // Replaces the deadlines of these gates, whether their devices are open yet or not; all or none. Where one comes
  // earlier than before, no worker goes by the old one any more when this returns. ENOBUFS: more than kMaxGates would
  // be held open. EAGAIN: all are replaced, but a worker that is descheduled has packets of before in hand; ask again.
  SystemError hold_gates(std::span<const GateHold> holds);
  SystemError inject(PortId port, std::span<const uint8_t> frame);

  Totals totals() const;
  // TraceDump of src/dataplane/interface.ts, as JSON.
  std::string take_trace();
  // Rings when there may be events to take or versions to reclaim.
  Bell& events() { return events_; }
  bool has_events() const;
  // Frees what workers were still reading when it was replaced (versions, the descriptors they hold); false: they
  // read it still, ask again.
  bool reclaim();
  // Looks after uplinks as well: the kernel tells no socket that a device which was down has been deleted.
  void take_events(const std::function<void(const Device&)>& gone,
                   const std::function<void(const Learned&)>& learned,
                   const std::function<void(const Announced&)>& announced = [](const Announced&) {});

 private:
  Result<const Device*> present(const DeviceSpec& spec) const;
  Result<const Device*> take_in(Result<std::unique_ptr<Device>> opened);
  SystemError watch(const Device& device);
  template <class Change>
  void rewire(Change&& change);
  void ask_to_reclaim();
  bool wait_for_workers();
  void unwatch(const Device& device);
  Worker& worker_of(const Device& device, size_t queue);
  PortTotals port_totals(PortId port) const;
  bool is_news_that_gone(const Device& device);

  const DeviceOptions options_;
  Versions versions_;
  Bell events_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::map<std::string, std::shared_ptr<const Device>> devices_;
  std::map<uint16_t, PortTotals> totals_at_open_;
  std::map<uint16_t, uint64_t> told_gone_;  // by port, the serial of the device that JS knows to be gone
  uint64_t last_serial_ = 0;
  Gates gates_;
  bool holding_ = false;
  std::vector<std::string> held_;  // names of devices that are not read from yet
  uint64_t traces_lost_before_ = 0;
};

}  // namespace dvr
