// The way out of a worker: frames to TAPs, joined to super-frames where that may be; frames to VTEPs, collected
// to trains or cut; copies to the mirrors. Counts what was sent, and why what was not was dropped.
// Before: the pipeline's verdict (deliver.hpp). Next: the kernel.
//
// What waits in a train or a run is bytes of the worker's arena, sent by flush() at the end of the pass. Nobody
// changes them meanwhile: the stages are done with a packet when it comes here; its checksum is finished before
// it is appended to a train, and finishing again does nothing; write_tap gives back what it borrows in front of a
// frame. So a broadcast may wait in trains to several VTEPs and be written to ports before and after. A run
// mends its first packet's headers, but only frames to one MAC are joined, and they have one way out.
#pragma once

#include <bitset>
#include <utility>

#include "gso/coalescer.hpp"
#include "gso/segment.hpp"
#include "gso/train.hpp"
#include "io/tap.hpp"
#include "worker/counters.hpp"
#include "worker/wiring.hpp"

namespace dvr {

class Transmit {
 public:
  explicit Transmit(Counters& counters) : counters_(counters) {}

  // The wiring of the pass that begins; valid until the next call. Nothing may wait from the pass before.
  void use(const Wiring& wiring);

  void to_port(PortId port, Packet& packet);
  void to_vtep(const IpAddr& vtep, Packet& packet);
  // Shows the frame on the bridge's device if somebody looks: br-int with its local VLAN as a tag, br-ex as it is
  // on the provider's wire.
  void mirror(Bridge bridge, const Packet& packet);

  // Sends all that waits; or what waits for ports, after a train came in that fills super-frames by itself.
  void flush();
  void flush_runs();
  bool is_empty() const { return trains_.is_empty() && coalescer_.is_empty(); }
  // Some packet since the last call waits, so its bytes must stay.
  bool has_kept() { return std::exchange(kept_, false); }

 private:
  void send_super_frame(const Device& device, const Outer& to, const Packet& packet);
  void write_run(const Run& run);
  void send(const Device& device, const Outer& to, const Train& train);
  bool send_whole(const Device& device, const Outer& to, const Train& train);
  void send_one_by_one(const Device& device, const Outer& to, const Train& train);
  void mirror_to(PortId port, bool shown, const Packet& packet, uint16_t vlan);
  void count_write(PortId port, WriteOutcome outcome, size_t packets, size_t bytes);
  void count_refused(int error, size_t packets, bool train);

  Counters& counters_;
  const Wiring* wiring_ = nullptr;
  Trains trains_;
  Coalescer coalescer_;
  Segmenter segmenter_;
  bool kept_ = false;
  // Source ports of the VTEP device `refused_serial_` whose trains the kernel refused.
  std::bitset<kSourcePorts> refused_;
  uint64_t refused_serial_ = 0;
};

}  // namespace dvr
