// The way out of a worker: frames to TAPs as they are, frames to VTEPs cut and with finished checksums,
// copies to the mirrors. Counts what was sent, and why what was not was dropped.
// Before: the pipeline's verdict (deliver.hpp). Next: the kernel.
#pragma once

#include "gso/segment.hpp"
#include "worker/counters.hpp"
#include "worker/wiring.hpp"

namespace dvr {

class Transmit {
 public:
  explicit Transmit(Counters& counters) : counters_(counters) {}

  // The wiring of the burst that begins; valid until the next call.
  void use(const Wiring& wiring) { wiring_ = &wiring; }

  void to_port(PortId port, Packet& packet);
  void to_vtep(const IpAddr& vtep, Packet& packet);
  // Shows the frame on the bridge's device if somebody looks: br-int with its local VLAN as a tag.
  void mirror(Bridge bridge, const Packet& packet);

 private:
  void send_super_frame(const Device& device, const Outer& to, const Packet& packet);
  void send_frame(const Device& device, const Outer& to, Packet& packet);
  int send_train(const Device& device, const Outer& to, const Train& train);
  int send_singly(const Device& device, const Outer& to, const Train& train);
  void send_error(int error, bool train);

  Counters& counters_;
  const Wiring* wiring_ = nullptr;
  Segmenter segmenter_;
  bool trains_refused_ = false;
};

}  // namespace dvr
