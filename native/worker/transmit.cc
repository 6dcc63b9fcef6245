#include "worker/transmit.hpp"

#include "gso/finish_checksum.hpp"
#include "io/packet_port.hpp"
#include "io/source_ports.hpp"

namespace dvr {

void Transmit::use(const Wiring& wiring) {
  wiring_ = &wiring;
  const Device* vtep = wiring.device(kTunnelPort);
  if (vtep == nullptr || vtep->serial == refused_serial_) return;
  refused_.reset();
  refused_serial_ = vtep->serial;
}

void Transmit::to_port(PortId port, Packet& packet) {
  const Device* device = wiring_->device(port);
  if (device == nullptr) return counters_.dropped(DropReason::port_gone);
  if (device->spec.kind == DeviceKind::uplink)
    return count_write(port, write_packet_port(device->fd(), packet, packet.tag_at(port)), 1, packet.frame.size());
  if (device->spec.kind != DeviceKind::tap) return counters_.dropped(DropReason::port_gone);
  if (!wiring_->is_open(*device)) return counters_.dropped(DropReason::gate_closed);
  // A TAP that leaves no checksum to us takes none from us either.
  const bool whole = packet.offload.gso == GsoType::none;
  if (whole && !device->features.csum && !finish_checksum(packet))
    return counters_.dropped(DropReason::truncated);
  const Joins joins{.tso = device->features.tso, .uso = device->features.uso};
  if ((joins.tso || joins.uso) && coalescer_.offer(port, joins, packet, [this](const Run& run) { write_run(run); })) {
    kept_ = true;
    return;
  }
  count_write(port, write_tap(device->fd(), packet), 1, packet.frame.size());
}

// Counted as its packets would have been, one by one. They have waited, so the gate is asked again.
void Transmit::write_run(const Run& run) {
  const Device* device = wiring_->device(run.port);
  if (!wiring_->is_open(*device)) return counters_.dropped(DropReason::gate_closed, run.segments);
  const size_t header_bytes = run.offload.header_bytes * (run.segments - 1);
  count_write(run.port, write_tap(device->fd(), run), run.segments, run.bytes + header_bytes);
  if (run.segments == 1) return;
  counters_.engine.runs.add();
  counters_.engine.run_packets.add(run.segments);
  counters_.engine.run_bytes.add(run.bytes);
  counters_.engine.longest_run.raise_to(run.segments);
}

void Transmit::count_write(PortId port, WriteOutcome outcome, size_t packets, size_t bytes) {
  switch (outcome) {
    case WriteOutcome::written: return counters_.ports[port.value].sent(packets, bytes);
    case WriteOutcome::down: return counters_.dropped(DropReason::port_down, packets);
    case WriteOutcome::refused: return counters_.dropped(DropReason::port_refused, packets);
    case WriteOutcome::over_mtu: return counters_.dropped(DropReason::over_mtu, packets);
    case WriteOutcome::gone: return counters_.dropped(DropReason::port_gone, packets);
  }
}

void Transmit::to_vtep(const IpAddr& vtep, Packet& packet) {
  const Device* device = wiring_->device(kTunnelPort);
  if (device == nullptr || !device->source_ports) return counters_.dropped(DropReason::no_underlay);
  if (!packet.encapsulated) return counters_.dropped(DropReason::send_failed);
  Outer to = packet.outer;
  to.vtep = vtep;
  if (packet.offload.gso != GsoType::none) return send_super_frame(*device, to, packet);
  if (!finish_checksum(packet)) return counters_.dropped(DropReason::truncated);
  const std::span datagram(packet.frame.data() - kVxlanHeaderBytes, kVxlanHeaderBytes + packet.frame.size());
  kept_ = true;
  trains_.append(to, datagram, device->source_ports->segment_limit(),
                 [&](const Outer& outer, const Train& train) { send(*device, outer, train); });
}

void Transmit::flush_runs() {
  if (!coalescer_.is_empty()) coalescer_.flush([this](const Run& run) { write_run(run); });
}

void Transmit::flush() {
  flush_runs();
  if (trains_.is_empty()) return;
  // The same device that they were appended for: the wiring is that of this pass.
  const Device* device = wiring_->device(kTunnelPort);
  trains_.flush([&](const Outer& to, const Train& train) { send(*device, to, train); });
}

// Cut and sent at once, so its bytes need not stay; what waits to leave by the same source port goes first.
void Transmit::send_super_frame(const Device& device, const Outer& to, const Packet& packet) {
  trains_.flush(source_port_of(to), [&](const Outer& outer, const Train& train) { send(device, outer, train); });
  if (!segmenter_.begin(packet)) return counters_.dropped(DropReason::truncated);
  const size_t limit = device.source_ports->segment_limit();
  for (Train train = segmenter_.next(limit); train.segments > 0; train = segmenter_.next(limit)) {
    counters_.engine.segments_cut.add(train.segments);
    send(device, to, train);
  }
}

void Transmit::send(const Device& device, const Outer& to, const Train& train) {
  if (!send_whole(device, to, train)) send_one_by_one(device, to, train);
}

// False: its packets must be sent one by one.
bool Transmit::send_whole(const Device& device, const Outer& to, const Train& train) {
  const bool many = train.segments > 1;
  if (many && (!device.source_ports->can_segment() || refused_[source_port_of(to)])) return false;
  const int error = device.source_ports->send_train(to, train);
  counters_.engine.sends.add();
  if (error == EIO && many) {
    // What older kernels say when the underlay device cannot finish checksums: it will not learn to.
    refused_.set(source_port_of(to));
    counters_.engine.trains_refused.add();
    return false;
  }
  if (error != 0) return count_refused(error, train.segments, many), true;
  if (many) {
    counters_.engine.trains.add();
    counters_.engine.train_packets.add(train.segments);
    counters_.engine.longest_train.raise_to(train.segments);
  }
  counters_.ports[kTunnelPort.value].sent(train.segments, train.total_bytes);
  return true;
}

void Transmit::send_one_by_one(const Device& device, const Outer& to, const Train& train) {
  const SourcePorts::Sent sent = device.source_ports->send_packets(to, train);
  counters_.engine.sends.add();
  const size_t left = train.segments - sent.segments;
  const size_t bytes = left == 0 ? train.total_bytes : sent.segments * train.segment_bytes;
  counters_.ports[kTunnelPort.value].sent(sent.segments, bytes);
  if (left > 0) count_refused(sent.error, left, false);
}

// A train whose segments pass the path's MTU is refused with EMSGSIZE, by older kernels with EINVAL.
void Transmit::count_refused(int error, size_t packets, bool train) {
  const bool over_mtu = error == EMSGSIZE || (error == EINVAL && train);
  counters_.dropped(over_mtu ? DropReason::over_mtu : DropReason::send_failed, packets);
}

void Transmit::mirror(Bridge bridge, const Packet& packet) {
  const Mirrors& shown = wiring_->mirrors;
  switch (bridge) {
    case Bridge::br_int: return mirror_to(kMirrorBrInt, shown.br_int, packet, packet.local_vlan.value);
    case Bridge::br_tun: return mirror_to(kMirrorBrTun, shown.br_tun, packet, 0);
    case Bridge::br_ex: return mirror_to(kMirrorBrEx, shown.br_ex, packet, packet.provider_vlan);
    case Bridge::router:  // what it puts out, br-int shows
    case Bridge::none: return;
  }
}

void Transmit::mirror_to(PortId port, bool shown, const Packet& packet, uint16_t vlan) {
  const Device* device = wiring_->device(port);
  if (!shown || device == nullptr) return;
  const int fd = device->fd();
  // A mirror that takes no more loses copies, never packets, so this is no drop.
  const auto outcome = vlan != 0 ? write_tap_tagged(fd, packet, vlan) : write_tap(fd, packet);
  if (outcome == WriteOutcome::written) counters_.ports[port.value].sent(1, packet.frame.size());
}

}  // namespace dvr
