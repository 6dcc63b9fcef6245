#include "worker/worker.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "base/clock.hpp"
#include "gso/datagrams.hpp"
#include "io/packet_port.hpp"
#include "io/tap.hpp"
#include "io/vtep_socket.hpp"
#include "pipeline/entry.hpp"
#include "pipeline/runner.hpp"
#include "worker/deliver.hpp"
#include "worker/policy.hpp"
#include "worker/received_offload.hpp"
#include "worker/turn.hpp"

namespace dvr {
namespace {

// The port may have got another device between epoll_wait and now; the event would not be about that one.
bool has_failed(const Device& device, int fd) {
  if (device.spec.kind == DeviceKind::uplink) {
    clear_socket_error(fd);  // of a device that only went down
    return is_packet_port_gone(fd);
  }
  pollfd ask{fd, 0, 0};
  return poll(&ask, 1, 0) == 1 && (ask.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

ReadOutcome read_frame(const Device& device, int fd, std::span<uint8_t> slot, Packet& packet) {
  return device.spec.kind == DeviceKind::uplink ? read_packet_port(fd, slot, packet) : read_tap(fd, slot, packet);
}

// A batch thread that wakes does not interrupt what runs on its CPU, so that packets collect behind a busy VM
// instead of coming one by one; an idle CPU takes it at once all the same.
void be_a_batch_thread() {
  const sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);
}

}  // namespace

Worker::Worker(size_t index, const DataplaneOptions& options, Versions& versions, Bell& events)
    : index_(index), worker_count_(options.workers), versions_(versions), events_(events), lookout_(options.spin_us) {}

SystemError Worker::start() {
  if (auto error = arena_.open()) return error;
  if (auto error = lookout_.open()) return error;
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  return {};
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  lookout_.bell().ring();
  thread_.join();
}

bool Worker::inject(Injection injection) {
  if (!injections_.push(std::move(injection))) return false;
  lookout_.bell().ring();
  return true;
}

void Worker::run(std::stop_token stop) {
  prctl(PR_SET_NAME, ("dvr worker " + std::to_string(index_)).c_str());
  be_a_batch_thread();
  while (!stop.stop_requested()) pass(lookout_.wait(std::exchange(past_, {}), counters_->engine));
}

void Worker::pass(std::span<const epoll_event> ready) {
  if (ready.empty()) return;
  const Burst burst(versions_.epochs, index_);
  tables_ = &versions_.tables.read();
  wiring_ = &versions_.wiring.read();
  transmit_.use(*wiring_);
  const auto is_tunnel = [](const epoll_event& event) { return port_of_key(event.data.u64) == kTunnelPort; };
  for (const epoll_event& event : ready)
    if (!is_tunnel(event)) serve(event.data.u64, event.events);
  for (const epoll_event& event : ready)
    if (is_tunnel(event)) serve(event.data.u64, event.events);
  count_flows();
  flush();
  counters_->engine.passes.add();
  lookout_.worked(monotonic_ns());
}

void Worker::serve(uint64_t key, uint32_t events) {
  if (key == kBellKey) return serve_injections();
  const Device* device = wiring_->device(port_of_key(key));
  const size_t queue = queue_of_key(key);
  if (device == nullptr || queue >= device->queues.size()) return;  // closed while the event waited
  const int fd = device->queues[queue].number();
  if (device->spec.kind == DeviceKind::vtep)
    serve_vtep(fd, events);
  else
    serve_port(*device, fd, events);
}

void Worker::serve_port(const Device& device, int fd, uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && has_failed(device, fd)) return device_gone(device);
  const StageId entry = entry_of(device.spec.port, *tables_);
  for (Turn turn; !turn.is_over();) {
    Packet packet;
    packet.in_port = device.spec.port;
    const ReadOutcome outcome = read_frame(device, fd, arena_.slot(), packet);
    const size_t bytes = packet.frame.size();
    turn.took(bytes);
    switch (outcome) {
      case ReadOutcome::empty: return;
      case ReadOutcome::gone: return device_gone(device);
      case ReadOutcome::broken: counters_->dropped(DropReason::truncated); break;
      case ReadOutcome::frame:
        // What the node's own stack sends by a mirror is nobody's.
        if (device.spec.kind == DeviceKind::mirror) break;
        // Read all the same: what waits behind a closed gate must not pass it late.
        if (!wiring_->is_open(device)) {
          counters_->dropped(DropReason::gate_closed);
          break;
        }
        counters_->ports[packet.in_port.value].received(bytes);
        if (packet.offload.gso != GsoType::none) counters_->engine.super_frames_in.add();
        packet.tailroom = kMaxFrameBytes - bytes;
        process(packet, entry);
        settle(bytes);
        break;
    }
  }
  past_.more_wait = true;
}

void Worker::serve_vtep(int fd, uint32_t events) {
  if ((events & EPOLLERR) != 0) clear_socket_error(fd);
  for (Turn turn; !turn.is_over();) {
    const Received received = receive_vxlan(fd, arena_.slot().subspan(kHeadroom));
    if (received.bytes.empty()) return;
    Datagrams datagrams(received.bytes, received.gso_bytes);
    for (auto datagram = datagrams.next(); !datagram.empty(); datagram = datagrams.next()) {
      turn.took(datagram.size());
      counters_->ports[kTunnelPort.value].received(datagram.size());
      Packet packet;
      packet.frame = datagram;
      packet.in_port = kTunnelPort;
      packet.outer.vtep = received.vtep;
      packet.outer.tos = received.tos;
      if (datagram.size() > kVxlanHeaderBytes)
        packet.offload = received_offload(datagram, datagrams.inner_gso_bytes(), *tables_);
      process(packet, StageId::vxlan_decap);
    }
    if (received.bytes.size() >= kFullTrainBytes) transmit_.flush_runs();
    settle(received.bytes.size());
  }
  past_.more_wait = true;
}

void Worker::serve_injections() {
  lookout_.bell().hear();
  Injection injection;
  while (injections_.take(injection)) {
    const Device* device = wiring_->device(injection.port);
    if (device != nullptr && !wiring_->is_open(*device)) {
      counters_->dropped(DropReason::gate_closed);
      continue;
    }
    Packet packet;
    packet.frame = arena_.slot().subspan(kHeadroom, injection.frame.size());
    std::memcpy(packet.frame.data(), injection.frame.data(), injection.frame.size());
    packet.in_port = injection.port;
    packet.tailroom = kMaxFrameBytes - packet.frame.size();
    counters_->ports[injection.port.value].received(packet.frame.size());
    process(packet, entry_of(packet.in_port, *tables_));
    settle(injection.frame.size());
  }
}

// After a packet, or a train of them, was read to the arena's slot and processed.
void Worker::settle(size_t bytes_read) {
  const bool kept = transmit_.has_kept();
  if (transmit_.is_empty()) return arena_.reset();
  if (kept && !arena_.keep(bytes_read)) flush();
}

void Worker::flush() {
  transmit_.flush();
  arena_.reset();
}

// What went past the stages counts as if it had passed them; before it is sent, so that who has it finds it counted.
void Worker::count_flows() {
  counters_->engine.flow_cache_hits.add(flows_.settle(
      [this](StageId stage, StageId next, uint64_t packets) { counters_->passed(stage, next, packets); }));
}

// A failed descriptor stays readable for ever: it must leave epoll at once, or this thread would spin.
void Worker::device_gone(const Device& device) {
  lookout_.unwatch(device);
  tell(gone_, {device.spec.port, device.serial});
}

template <class Event, size_t kSize>
void Worker::tell(Ring<Event, kSize>& events, const Event& event) {
  if (!events.push(event)) events_lost_.add(1);
  events_.ring();
}

void Worker::process(Packet& packet, StageId entry) {
  ++past_.packets;
  Effects effects;
  StageId verdict;
  Counted counted{*counters_, transmit_};
  // Who looks on wants to see every hop.
  if (wiring_->is_traced(packet.frame))
    verdict = run_recorded(packet, entry, effects);
  else if (wiring_->mirrors.any())
    verdict = run_pipeline(entry, packet, *tables_, effects, counted);
  else
    verdict = flows_.run(entry, packet, *tables_, effects, counted);
  deliver(verdict, packet, effects, transmit_);
  if (effects.learn.asked || effects.announce.asked) tell_of(packet, effects);
}

void Worker::tell_of(const Packet& packet, const Effects& effects) {
  if (const auto& learn = effects.learn; learn.asked) tell(learned_, {learn.local_vlan, learn.mac, learn.vtep});
  const auto& announce = effects.announce;
  if (!announce.asked) return;
  if (announcement_limit_.allows(packet.in_port, monotonic_ns()))
    tell(announced_, {packet.in_port, announce.ip, announce.mac});
  else
    counters_->engine.announcements_untold.add();
}

StageId Worker::run_recorded(Packet& packet, StageId entry, Effects& effects) {
  // Different in every worker, so that the records of one passage can be told from all others.
  const auto passage = static_cast<uint32_t>(passages_++ * worker_count_ + index_);
  Recorder recorder(passage);
  CountedAndRecorded policy{{*counters_, transmit_}, recorder};
  const StageId verdict = run_pipeline(entry, packet, *tables_, effects, policy);
  for (const TraceRecord& record : recorder.records())
    if (!traces_.push(record)) traces_lost_.add(1);
  return verdict;
}

}  // namespace dvr
