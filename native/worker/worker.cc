#include "worker/worker.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "gso/datagrams.hpp"
#include "gso/recover_offload.hpp"
#include "io/tap.hpp"
#include "io/vtep_socket.hpp"
#include "packet/vxlan.hpp"
#include "pipeline/runner.hpp"
#include "worker/deliver.hpp"
#include "worker/policy.hpp"

namespace dvr {
namespace {

// epoll's words: one for the wake-up, for a device its port and the queue.
constexpr uint64_t kWakeKey = UINT64_MAX;
constexpr uint64_t key_of(PortId port, size_t queue) { return uint64_t{queue} << 16 | port.value; }
constexpr PortId port_of_key(uint64_t key) { return PortId{static_cast<uint16_t>(key)}; }
constexpr size_t queue_of_key(uint64_t key) { return key >> 16; }
constexpr int kReadyAtOnce = 32;
constexpr size_t kMarkerWithinBytes = 512;

// The MTU of the network a VXLAN packet belongs to; 0 where this node has none.
uint16_t network_mtu(std::span<uint8_t> datagram, const Tables& tables) {
  const auto vni = read_vxlan(datagram);
  if (!vni) return 0;
  const auto* to_lv = tables.find<TunToLvRow>({*vni});
  if (to_lv == nullptr) return 0;
  const auto* network = tables.find<NetworkRow>({to_lv->local_vlan});
  return network == nullptr ? 0 : network->mtu_bytes;
}

// The port may have got another device between epoll_wait and now; the event would not be about that one.
bool has_failed(int fd) {
  pollfd ask{fd, 0, 0};
  return poll(&ask, 1, 0) == 1 && (ask.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

}  // namespace

Worker::Worker(size_t index, size_t worker_count, Versions& versions)
    : index_(index), worker_count_(worker_count), versions_(versions), buffer_(kHeadroom + kMaxFrameBytes) {}

SystemError Worker::start() {
  epoll_ = Fd{epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll_.is_open()) return failed("epoll_create1", "worker");
  wake_ = Fd{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake_.is_open()) return failed("eventfd", "worker");
  epoll_event event{EPOLLIN, {.u64 = kWakeKey}};
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, wake_.number(), &event) < 0)
    return failed("epoll_ctl", "worker");
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  return {};
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  wake();
  thread_.join();
}

SystemError Worker::watch(const Device& device, size_t queue) {
  epoll_event event{EPOLLIN, {.u64 = key_of(device.spec.port, queue)}};
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, device.queues[queue].number(), &event) < 0)
    return failed("epoll_ctl", device.spec.name);
  return {};
}

// Needed before the descriptors close: a duplicate in the agent keeps the file, and so the entry, alive. Queues
// that are other workers' are not in this epoll, which it does not mind.
void Worker::unwatch(const Device& device) {
  for (const Fd& queue : device.queues) epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, queue.number(), nullptr);
}

bool Worker::inject(Injection injection) {
  if (!injections_.push(std::move(injection))) return false;
  wake();
  return true;
}

void Worker::wake() {
  const uint64_t one = 1;
  // It fails only when 2^64 - 2 wake-ups wait already.
  if (write(wake_.number(), &one, sizeof one) != sizeof one) return;
}

void Worker::run(std::stop_token stop) {
  prctl(PR_SET_NAME, ("dvr worker " + std::to_string(index_)).c_str());
  epoll_event ready[kReadyAtOnce];
  while (!stop.stop_requested()) {
    const int count = epoll_wait(epoll_.number(), ready, kReadyAtOnce, -1);
    const Burst burst(versions_.epochs, index_);
    tables_ = &versions_.tables.read();
    wiring_ = &versions_.wiring.read();
    transmit_.use(*wiring_);
    for (int at = 0; at < count; ++at) serve(ready[at].data.u64, ready[at].events);
  }
}

void Worker::serve(uint64_t key, uint32_t events) {
  if (key == kWakeKey) return serve_injections();
  const Device* device = wiring_->device(port_of_key(key));
  const size_t queue = queue_of_key(key);
  if (device == nullptr || queue >= device->queues.size()) return;  // closed while the event waited
  const int fd = device->queues[queue].number();
  if (device->spec.kind == DeviceKind::vtep)
    serve_vtep(fd, events);
  else
    serve_tap(*device, fd, events);
}

void Worker::serve_tap(const Device& device, int fd, uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0 && has_failed(fd)) return device_gone(device);
  const auto into = std::span(buffer_).subspan(kHeadroom);
  for (int count = 0; count < kPacketsPerTurn; ++count) {
    Packet packet;
    packet.in_port = device.spec.port;
    switch (read_tap(fd, into, packet)) {
      case ReadOutcome::empty: return;
      case ReadOutcome::gone: return device_gone(device);
      case ReadOutcome::broken: counters_->dropped(DropReason::truncated); break;
      case ReadOutcome::frame:
        // What the node's own stack sends by a mirror is nobody's.
        if (device.spec.kind == DeviceKind::mirror) break;
        counters_->ports[packet.in_port.value].received(packet.frame.size());
        process(packet, StageId::classify);
        break;
    }
  }
}

void Worker::serve_vtep(int fd, uint32_t events) {
  if ((events & EPOLLERR) != 0) clear_socket_error(fd);
  const auto into = std::span(buffer_).subspan(kHeadroom);
  for (int count = 0; count < kPacketsPerTurn; ++count) {
    const Received received = receive_vxlan(fd, into);
    if (received.bytes.empty()) return;
    Datagrams datagrams(received.bytes, received.gso_bytes);
    for (auto datagram = datagrams.next(); !datagram.empty(); datagram = datagrams.next()) {
      counters_->ports[kTunnelPort.value].received(datagram.size());
      Packet packet;
      packet.frame = datagram;
      packet.in_port = kTunnelPort;
      packet.outer.vtep = received.vtep;
      packet.outer.tos = received.tos;
      if (datagram.size() > kVxlanHeaderBytes)
        packet.offload = recover_offload(datagram.subspan(kVxlanHeaderBytes), network_mtu(datagram, *tables_),
                                         datagrams.inner_gso_bytes());
      process(packet, StageId::vxlan_decap);
    }
  }
}

void Worker::serve_injections() {
  uint64_t wake_ups;
  if (read(wake_.number(), &wake_ups, sizeof wake_ups) < 0) return;
  Injection injection;
  while (injections_.take(injection)) {
    std::memcpy(buffer_.data() + kHeadroom, injection.frame.data(), injection.frame.size());
    Packet packet;
    packet.frame = std::span(buffer_).subspan(kHeadroom, injection.frame.size());
    packet.in_port = injection.port;
    counters_->ports[injection.port.value].received(packet.frame.size());
    process(packet, StageId::classify);
  }
}

// A failed descriptor stays readable for ever: it must leave epoll at once, or this thread would spin.
void Worker::device_gone(const Device& device) {
  unwatch(device);
  if (!gone_.push({device.spec.port, device.serial})) events_lost_.add(1);
}

void Worker::process(Packet& packet, StageId entry) {
  Effects effects;
  StageId verdict;
  if (is_traced(packet)) {
    verdict = run_recorded(packet, entry, effects);
  } else {
    Counted counted{*counters_, transmit_};
    verdict = run_pipeline(entry, packet, *tables_, effects, counted);
  }
  deliver(verdict, packet, effects, transmit_);
  if (!effects.learn.asked) return;
  const auto& [asked, local_vlan, mac, vtep] = effects.learn;
  if (!learned_.push({local_vlan, mac, vtep})) events_lost_.add(1);
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

bool Worker::is_traced(const Packet& packet) const {
  if (!wiring_->marker) return false;
  const auto& marker = *wiring_->marker;
  const auto head = packet.frame.first(std::min(packet.frame.size(), kMarkerWithinBytes));
  return memmem(head.data(), head.size(), marker.data(), marker.size()) != nullptr;
}

}  // namespace dvr
