// Packets at a place of their way through the pipeline, as often as wanted: the frame and its metadata as they
// are there, to be put back after each run.
#pragma once

#include "../../native/nodes.hpp"
#include "pipeline/runner.hpp"
#include "stage/stage.hpp"

namespace dvr::bench {

// As many as a worker handles in a row, and still in the first-level caches.
inline constexpr size_t kBatch = 128;

class Packets {
 public:
  Packets(const test::Bytes& frame, const Packet& as) : frame_(frame), as_(as), buffers_(kBatch), packets_(kBatch) {
    for (test::Bytes& buffer : buffers_) buffer.resize(kHeadroom + frame.size());
    put_back();
  }
  void put_back() {
    for (size_t at = 0; at < kBatch; ++at) {
      std::copy(frame_.begin(), frame_.end(), buffers_[at].begin() + kHeadroom);
      packets_[at] = as_;
      packets_[at].frame = std::span(buffers_[at]).subspan(kHeadroom);
    }
  }
  std::vector<Packet>& all() { return packets_; }

 private:
  test::Bytes frame_;
  Packet as_;
  std::vector<test::Bytes> buffers_;
  std::vector<Packet> packets_;
};

// How a frame comes in, on which node.
struct Passage {
  const char* name;
  const Tables& tables;
  StageId entry;
  Packet as;
  test::Bytes frame;
};

// The ways that most packets take.
std::vector<Passage> passages();

}  // namespace dvr::bench
