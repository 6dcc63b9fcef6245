// A train: VXLAN packets of one size to one VTEP that leave by a single sendmsg with UDP_SEGMENT. Here they
// are collected: packet after packet, of whatever flow, until something ends the train.
// Before: the pipeline, by Transmit. Next: SourcePorts. Pure: what leaves is handed to the caller's `send`.
//
// Order. A flow takes one source port and one VTEP. For each such pair there is one train at a time, and a
// packet that does not fit (longer, another TOS byte) sends the train before it begins the next. So what goes
// one way from one source port leaves in the order it was appended, and no flow overtakes itself.
// Bytes. A train holds pointers, so whoever appends leaves the bytes alone until the train is flushed.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>

#include "packet/packet.hpp"

namespace dvr {

// More ports spread flows better over the underlay's paths, and make trains shorter.
inline constexpr size_t kSourcePorts = 16;

inline size_t source_port_of(const Outer& to) { return to.flow_hash % kSourcePorts; }

// Linux sends at most 128 segments in one call (UDP_MAX_SEGMENTS), 64 before 6.10, and 65507 bytes ever.
inline constexpr size_t kMaxTrainSegments = 128;
inline constexpr size_t kShortTrainSegments = 64;
inline constexpr size_t kMaxTrainBytes = 65507;

// All segments have segment_bytes, the last one may be shorter. Each has the same number of pieces.
struct Train {
  std::span<iovec> pieces;
  size_t segment_bytes = 0;
  size_t segments = 0;
  size_t total_bytes = 0;
};

// Trains open at once from one source port, each to another VTEP. When all are open, the oldest leaves.
inline constexpr size_t kTrainsPerSourcePort = 4;

// The open trains of one worker. `send` is called as send(const Outer&, const Train&).
class Trains {
 public:
  // Appends a VXLAN packet; sends the train at once when no packet can follow in it. `limit` is the number of
  // segments that one send takes here.
  template <class Send>
  void append(const Outer& to, std::span<uint8_t> datagram, size_t limit, Send&& send) {
    Open& train = train_to(to, send);
    if (train.segments > 0 && !train.takes(to, datagram.size())) close(train, send);
    if (train.segments == 0) begin(train, to, datagram.size());
    train.pieces[train.segments++] = {datagram.data(), datagram.size()};
    train.total_bytes += datagram.size();
    const bool last = datagram.size() < train.segment_bytes || train.segments >= limit;
    if (last || train.total_bytes + train.segment_bytes > kMaxTrainBytes) close(train, send);
  }

  // Before something else leaves by this source port that must not overtake what waits.
  template <class Send>
  void flush(size_t source_port, Send&& send) {
    for (Open& train : open_[source_port])
      if (train.segments > 0) close(train, send);
  }

  template <class Send>
  void flush(Send&& send) {
    for (size_t port = 0; port < kSourcePorts && open_count_ > 0; ++port) flush(port, send);
  }

  bool is_empty() const { return open_count_ == 0; }

 private:
  struct Open {
    Outer to;
    uint64_t serial = 0;  // of its beginning: a smaller one is older
    size_t segment_bytes = 0, segments = 0, total_bytes = 0;  // no segments: not open
    std::array<iovec, kMaxTrainSegments> pieces;

    bool takes(const Outer& next, size_t bytes) const { return next.tos == to.tos && bytes <= segment_bytes; }
  };

  // The open train this way, or one that is free to begin.
  template <class Send>
  Open& train_to(const Outer& to, Send& send) {
    auto& trains = open_[source_port_of(to)];
    Open* best = &trains[0];
    for (Open& train : trains) {
      if (train.segments > 0 && train.to.vtep == to.vtep) return train;
      if (rank(train) < rank(*best)) best = &train;
    }
    if (best->segments > 0) close(*best, send);
    return *best;
  }

  // Free ones first, then by age.
  static uint64_t rank(const Open& train) { return train.segments == 0 ? 0 : train.serial; }

  void begin(Open& train, const Outer& to, size_t segment_bytes) {
    train.to = to;
    train.serial = ++serials_;
    train.segment_bytes = segment_bytes;
    train.total_bytes = 0;
    ++open_count_;
  }

  template <class Send>
  void close(Open& train, Send& send) {
    const size_t segments = train.segments;
    train.segments = 0;
    --open_count_;
    send(train.to, Train{{train.pieces.data(), segments}, train.segment_bytes, segments, train.total_bytes});
  }

  std::array<std::array<Open, kTrainsPerSourcePort>, kSourcePorts> open_;
  size_t open_count_ = 0;
  uint64_t serials_ = 0;
};

}  // namespace dvr
