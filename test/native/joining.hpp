// A coalescer as a worker uses it, and what must hold of it whatever is offered: for tests and the fuzzer.
#pragma once

#include <map>
#include <memory>

#include "flows.hpp"
#include "gso/coalescer.hpp"
#include "invariants.hpp"

namespace dvr::test {

inline constexpr PortId kJoinPort{16};
inline constexpr Joins kBoth{.tso = true, .uso = true};

// A coalescer with the packets that were offered to it, in buffers that stay, and what has been written.
class Joining {
 public:
  // What a worker does with a packet: offers it, and writes at once what is not taken.
  bool offer(const Bytes& frame, PortId port = kJoinPort, Joins joins = kBoth, const Offload& offload = {}) {
    auto& buffer = *buffers_.emplace_back(std::make_unique<Buffer>(frame));
    Packet packet;
    packet.frame = buffer.frame();
    packet.offload = offload;
    sent_.push_back({port, frame, offload, 1});
    const bool taken = coalescer_->offer(port, joins, packet, [&](Run& run) { write(run); });
    if (!taken) written_.push_back(sent_.back());
    return taken;
  }
  void flush() {
    coalescer_->flush([&](Run& run) { write(run); });
  }
  const std::vector<Written>& written() const { return written_; }

  // After a flush: joined and cut again, every flow is what it was, and no byte beside the frames was touched.
  Broken broken() const {
    for (const auto& buffer : buffers_)
      if (!buffer->intact()) return "bytes before a frame were written";
    if (wrong_run_ != nullptr) return wrong_run_;
    return by_flow(sent_) == by_flow(written_) ? nullptr : "a flow has other packets, or another order, than before";
  }

 private:
  void write(Run& run) {
    Written one{run.port, {}, run.offload, run.segments};
    uint8_t header[12];
    const auto all = run.behind(header, sizeof header);
    if (all[0].iov_base != header || all.size() != run.segments + 1) wrong_run_ = "a run's pieces are wrong";
    for (const iovec& piece : all.subspan(1)) add(one.frame, {static_cast<uint8_t*>(piece.iov_base), piece.iov_len});
    if (one.frame.size() != run.bytes) wrong_run_ = "a run's pieces are not as long as it says";
    if (run.segments > 1 && run.offload.gso == GsoType::none) wrong_run_ = "a run of several is no super-frame";
    written_.push_back(std::move(one));
  }

  // Port, protocol, addresses and ports where they stand in a packet without options; empty for all others.
  static Bytes flow_of(const Written& one) {
    const Bytes& frame = one.frame;
    const bool v4 = frame.size() >= 38 && frame[12] == 8 && frame[13] == 0 && frame[14] == 0x45;
    const bool v6 = frame.size() >= 58 && frame[12] == 0x86 && frame[13] == 0xdd && frame[14] >> 4 == 6;
    if (!v4 && !v6) return {};
    Bytes flow{static_cast<uint8_t>(one.port.value), frame[v4 ? 23 : 20]};
    flow.insert(flow.end(), frame.begin() + (v4 ? 26 : 22), frame.begin() + (v4 ? 38 : 58));
    return flow;
  }
  static std::map<Bytes, std::vector<Bytes>> by_flow(const std::vector<Written>& all) {
    std::map<Bytes, std::vector<Bytes>> flows;
    for (const Written& one : all)
      for (const Bytes& packet : cut_slowly(one)) flows[flow_of(one)].push_back(without_free_id(packet));
    return flows;
  }

  std::unique_ptr<Coalescer> coalescer_ = std::make_unique<Coalescer>();
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Written> sent_, written_;
  const char* wrong_run_ = nullptr;
};

}  // namespace dvr::test
