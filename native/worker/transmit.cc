#include "worker/transmit.hpp"

#include "gso/finish_checksum.hpp"
#include "io/source_ports.hpp"
#include "io/tap.hpp"

namespace dvr {

void Transmit::to_port(PortId port, Packet& packet) {
  const Device* device = wiring_->device(port);
  if (device == nullptr || device->spec.kind != DeviceKind::tap)
    return counters_.dropped(DropReason::port_gone);
  switch (write_tap(device->fd(), packet)) {
    case WriteOutcome::written: return counters_.ports[port.value].sent(1, packet.frame.size());
    case WriteOutcome::down: return counters_.dropped(DropReason::port_down);
    case WriteOutcome::refused: return counters_.dropped(DropReason::port_refused);
    case WriteOutcome::gone: return counters_.dropped(DropReason::port_gone);
  }
}

void Transmit::to_vtep(const IpAddr& vtep, Packet& packet) {
  const Device* device = wiring_->device(kTunnelPort);
  if (device == nullptr || !device->source_ports) return counters_.dropped(DropReason::no_underlay);
  if (!packet.encapsulated) return counters_.dropped(DropReason::send_failed);
  Outer to = packet.outer;
  to.vtep = vtep;
  if (packet.offload.gso == GsoType::none)
    send_frame(*device, to, packet);
  else
    send_super_frame(*device, to, packet);
}

void Transmit::send_frame(const Device& device, const Outer& to, Packet& packet) {
  if (!finish_checksum(packet)) return counters_.dropped(DropReason::truncated);
  const size_t bytes = kVxlanHeaderBytes + packet.frame.size();
  iovec piece{packet.frame.data() - kVxlanHeaderBytes, bytes};
  const int error = send_train(device, to, {{&piece, 1}, bytes, 1, bytes});
  if (error != 0) send_error(error, false);
}

void Transmit::send_super_frame(const Device& device, const Outer& to, const Packet& packet) {
  if (!segmenter_.begin(packet)) return counters_.dropped(DropReason::truncated);
  const size_t limit = device.source_ports->can_segment() && !trains_refused_ ? kMaxTrainSegments : 1;
  for (Train train = segmenter_.next(limit); train.segments > 0; train = segmenter_.next(limit)) {
    int error = send_train(device, to, train);
    if (error == EIO && train.segments > 1) {
      // What older kernels say when the underlay device cannot finish checksums: it will not learn to.
      trains_refused_ = true;
      error = send_singly(device, to, train);
    }
    if (error != 0) return send_error(error, train.segments > 1);
  }
}

int Transmit::send_train(const Device& device, const Outer& to, const Train& train) {
  const int error = device.source_ports->send(to, train);
  if (error == 0) counters_.ports[kTunnelPort.value].sent(train.segments, train.total_bytes);
  return error;
}

int Transmit::send_singly(const Device& device, const Outer& to, const Train& train) {
  for (size_t at = 0; at < train.segments; ++at) {
    const auto pieces = train.pieces.subspan(at * 2, 2);
    const size_t bytes = pieces[0].iov_len + pieces[1].iov_len;
    if (const int error = send_train(device, to, {pieces, bytes, 1, bytes})) return error;
  }
  return 0;
}

// A train whose segments pass the path's MTU is refused with EMSGSIZE, by older kernels with EINVAL.
void Transmit::send_error(int error, bool train) {
  const bool over_mtu = error == EMSGSIZE || (error == EINVAL && train);
  counters_.dropped(over_mtu ? DropReason::over_mtu : DropReason::send_failed);
}

void Transmit::mirror(Bridge bridge, const Packet& packet) {
  const bool br_int = bridge == Bridge::br_int;
  if (!(br_int ? wiring_->mirror_br_int : wiring_->mirror_br_tun)) return;
  const PortId port = br_int ? kMirrorBrInt : kMirrorBrTun;
  const Device* device = wiring_->device(port);
  if (device == nullptr) return;
  const int fd = device->fd();
  // A mirror that takes no more loses copies, never packets, so this is no drop.
  const auto outcome = br_int ? write_tap_tagged(fd, packet, packet.local_vlan) : write_tap(fd, packet);
  if (outcome == WriteOutcome::written) counters_.ports[port.value].sent(1, packet.frame.size());
}

}  // namespace dvr
