#include "worker/dataplane.hpp"

#include <time.h>

#include <algorithm>

#include "base/clock.hpp"
#include "io/packet_port.hpp"
#include "io/tap.hpp"
#include "io/vtep_socket.hpp"

namespace dvr {
namespace {

// A burst takes microseconds, at most a few milliseconds; a worker that needs longer than all of this
// (100 ms) is descheduled, and then its version is freed by a later call instead.
constexpr int kReclaimTries = 1000;
constexpr timespec kReclaimPause{0, 100'000};

Result<std::unique_ptr<Device>> open_device(const DeviceSpec& spec, const DeviceOptions& options) {
  switch (spec.kind) {
    case DeviceKind::vtep: return open_vtep(spec, options);
    case DeviceKind::uplink: return open_packet_port(spec);
    case DeviceKind::tap:
    case DeviceKind::mirror: break;
  }
  return open_tap(spec, options);
}

Result<std::unique_ptr<Device>> adopt_device(const DeviceSpec& spec, std::vector<Fd> queues, unsigned ifindex,
                                             const DeviceOptions& options) {
  switch (spec.kind) {
    case DeviceKind::vtep: return adopt_vtep(spec, std::move(queues), options);
    case DeviceKind::uplink: return adopt_packet_port(spec, std::move(queues), ifindex);
    case DeviceKind::tap:
    case DeviceKind::mirror: break;
  }
  return adopt_tap(spec, std::move(queues), ifindex, options);
}

bool is_tap(const Device& device) {
  return device.spec.kind == DeviceKind::tap || device.spec.kind == DeviceKind::mirror;
}

}  // namespace

Dataplane::Dataplane(const DataplaneOptions& options)
    : options_{.queues = options.workers, .allowed = options.allowed}, versions_(options.workers) {
  for (size_t index = 0; index < options.workers; ++index)
    workers_.push_back(std::make_unique<Worker>(index, options, versions_, events_));
}

SystemError Dataplane::start() {
  if (auto error = events_.open()) return error;
  for (auto& worker : workers_)
    if (auto error = worker->start()) return error;
  return {};
}

void Dataplane::stop() {
  for (auto& worker : workers_) worker->stop();
  devices_.clear();
  rewire([](Wiring& wiring) { wiring = Wiring{}; });
}

Result<const Device*> Dataplane::open(const DeviceSpec& spec) {
  auto open = present(spec);
  if (!open.ok() || open.value != nullptr) return open;
  return take_in(open_device(spec, options_));
}

Result<const Device*> Dataplane::adopt(const DeviceSpec& spec, std::vector<Fd> queues, unsigned ifindex,
                                        uint64_t pinned_netns) {
  auto open = present(spec);
  if (!open.ok() || open.value != nullptr) return open;
  auto adopted = adopt_device(spec, std::move(queues), ifindex, options_);
  if (adopted.ok()) adopted.value->pinned_netns = pinned_netns;
  return take_in(std::move(adopted));
}

Result<const Device*> Dataplane::reattach(const DeviceSpec& spec, const MovedTap& moved) {
  auto open = present(spec);
  if (!open.ok() || open.value != nullptr) return open;
  auto found = reattach_tap(spec, moved, options_);
  if (found.ok() && found.value == nullptr) return static_cast<const Device*>(nullptr);
  return take_in(std::move(found));
}

// The open device of this spec; null: there is none.
Result<const Device*> Dataplane::present(const DeviceSpec& spec) const {
  const auto found = devices_.find(spec.name);
  if (found != devices_.end()) {
    if (found->second->spec == spec) return found->second.get();
    return SystemError{EEXIST, "openDevice", spec.name + " is open with another spec"};
  }
  const Device* other = versions_.wiring.latest().device(spec.port);
  if (other == nullptr) return other;
  const std::string port = std::to_string(spec.port.value);
  return SystemError{EEXIST, "openDevice", "port " + port + " is " + other->spec.name};
}

Result<const Device*> Dataplane::take_in(Result<std::unique_ptr<Device>> opened) {
  if (!opened.ok()) return opened.error;
  opened.value->serial = ++last_serial_;
  const std::shared_ptr<const Device> device = std::move(opened.value);
  const PortId port = device->spec.port;
  totals_at_open_[port.value] = {};
  totals_at_open_[port.value] = port_totals(port);
  devices_[device->spec.name] = device;
  rewire([&](Wiring& wiring) {
    wiring.devices[port.value] = device;
    wiring.gates_shut_at_ns[port.value] = gates_.shut_at_ns(device->spec.name);
  });
  // Watched last: an event for a port without a device would be lost work.
  if (holding_)
    held_.push_back(device->spec.name);
  else if (auto error = watch(*device))
    return error;
  return device.get();
}

SystemError Dataplane::watch(const Device& device) {
  const PortId port = device.spec.port;
  SystemError error;
  for (size_t queue = 0; queue < device.queues.size() && !error; ++queue)
    error = worker_of(device, queue).watch(device, queue);
  if (!error) return error;
  unwatch(device);
  devices_.erase(device.spec.name);
  rewire([port](Wiring& wiring) { wiring.devices[port.value] = nullptr; });
  return error;
}

void Dataplane::unwatch(const Device& device) {
  for (auto& worker : workers_) worker->unwatch(device);
}

Worker& Dataplane::worker_of(const Device& device, size_t queue) {
  const size_t place = device.queues.size() == 1 ? device.spec.port.value : queue;
  return *workers_[place % workers_.size()];
}

void Dataplane::release() {
  holding_ = false;
  for (const std::string& name : held_)
    if (const auto found = devices_.find(name); found != devices_.end()) {
      const std::shared_ptr<const Device> device = found->second;  // outlives its removal
      watch(*device);
    }
  held_.clear();
}

void Dataplane::close_device(const std::string& name) {
  const auto found = devices_.find(name);
  if (found == devices_.end()) return;
  const PortId port = found->second->spec.port;
  unwatch(*found->second);
  if (is_tap(*found->second)) unpersist_tap(*found->second);
  devices_.erase(found);
  std::erase(held_, name);  // its next device is held by itself
  rewire([port](Wiring& wiring) { wiring.devices[port.value] = nullptr; });
  wait_for_workers();
}

std::vector<const Device*> Dataplane::devices() const {
  std::vector<const Device*> all;
  for (const auto& [name, device] : devices_) all.push_back(device.get());
  return all;
}

BatchResult Dataplane::apply(std::span<const uint8_t> batch) {
  BatchResult result = apply_batch(versions_.tables.latest(), batch);
  if (result.tables) {
    versions_.tables.publish(std::move(result.tables));
    ask_to_reclaim();
  }
  return result;
}

void Dataplane::set_trace(std::optional<TraceMarker> marker) {
  rewire([&](Wiring& wiring) { wiring.marker = marker; });
  wait_for_workers();
}

void Dataplane::set_mirrors(const Mirrors& mirrors) {
  if (versions_.wiring.latest().mirrors == mirrors) return;
  rewire([&](Wiring& wiring) { wiring.mirrors = mirrors; });
  wait_for_workers();
}

SystemError Dataplane::hold_gates(std::span<const GateHold> holds) {
  Gates next = gates_;
  const bool all_later = next.hold(holds, monotonic_ns());
  if (next.count() > kMaxGates)
    return {ENOBUFS, "holdGates", "at most " + std::to_string(kMaxGates) + " gates are held open at a time"};
  gates_ = std::move(next);
  rewire([&](Wiring& wiring) {
    for (const GateHold& hold : holds)
      if (const auto found = devices_.find(hold.name); found != devices_.end())
        wiring.gates_shut_at_ns[found->second->spec.port.value] = gates_.shut_at_ns(hold.name);
  });
  if (all_later || wait_for_workers()) return {};
  return {EAGAIN, "holdGates", "a worker still has packets in hand that came before; ask again"};
}

SystemError Dataplane::inject(PortId port, std::span<const uint8_t> frame) {
  if (workers_[port.value % workers_.size()]->inject({port, {frame.begin(), frame.end()}})) return {};
  return {EAGAIN, "inject", "too many injected frames wait"};
}

template <class Change>
void Dataplane::rewire(Change&& change) {
  auto next = std::make_unique<Wiring>(versions_.wiring.latest());
  change(*next);
  versions_.wiring.publish(std::move(next));
  ask_to_reclaim();
}

// Whoever hears it reclaims once more, for a worker was still reading.
void Dataplane::ask_to_reclaim() {
  if (!reclaim()) events_.ring();
}

// So that a change holds for every packet that comes after the call: the probe sent next is traced, a closed
// device is closed and its name can be used again, a shut gate is shut. False: some worker is not done yet.
bool Dataplane::wait_for_workers() {
  for (int tries = 0; tries < kReclaimTries; ++tries) {
    if (versions_.wiring.reclaim() == 0) return true;
    nanosleep(&kReclaimPause, nullptr);
  }
  return false;
}

PortTotals Dataplane::port_totals(PortId port) const {
  PortTotals sum;
  for (const auto& worker : workers_) sum += worker->counters().ports[port.value];
  if (const auto before = totals_at_open_.find(port.value); before != totals_at_open_.end()) sum -= before->second;
  return sum;
}

Totals Dataplane::totals() const {
  Totals totals;
  for (const auto& worker : workers_) {
    totals += worker->counters();
    totals.events_lost += worker->events_lost();
  }
  for (const Device* device : devices())
    totals.ports.push_back({device->spec.port, port_totals(device->spec.port)});
  return totals;
}

std::string Dataplane::take_trace() {
  std::vector<TraceRecord> records;
  uint64_t lost = 0;
  TraceRecord record;
  for (const auto& worker : workers_) {
    // Bounded by the ring: what arrives while we take is for the next call.
    for (size_t taken = 0; taken < kTraceRecords && worker->take_trace(record); ++taken)
      records.push_back(record);
    lost += worker->traces_lost();
  }
  const uint64_t lost_now = lost - traces_lost_before_;
  traces_lost_before_ = lost;
  return trace_json(records, lost_now);
}

bool Dataplane::reclaim() {
  return versions_.tables.reclaim() + versions_.wiring.reclaim() == 0;
}

bool Dataplane::has_events() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->has_events(); });
}

// Each worker that reads a queue of it says so, and it is told once.
bool Dataplane::is_news_that_gone(const Device& device) {
  return std::exchange(told_gone_[device.spec.port.value], device.serial) != device.serial;
}

void Dataplane::take_events(const std::function<void(const Device&)>& gone,
                            const std::function<void(const Learned&)>& learned,
                            const std::function<void(const Announced&)>& announced) {
  reclaim();
  for (const auto& [name, device] : devices_)
    if (device->spec.kind == DeviceKind::uplink && is_packet_port_gone(device->fd()) && is_news_that_gone(*device)) {
      unwatch(*device);
      gone(*device);
    }
  for (const auto& worker : workers_) {
    Gone left;
    for (size_t taken = 0; taken < kWaitingEvents && worker->take_gone(left); ++taken) {
      const Device* device = versions_.wiring.latest().device(left.port);
      if (device == nullptr || device->serial != left.serial) continue;
      if (is_news_that_gone(*device)) gone(*device);
    }
    Learned one;
    for (size_t taken = 0; taken < kWaitingEvents && worker->take_learned(one); ++taken) learned(one);
    Announced claim;
    for (size_t taken = 0; taken < kWaitingAnnouncements && worker->take_announced(claim); ++taken) announced(claim);
  }
}

}  // namespace dvr
