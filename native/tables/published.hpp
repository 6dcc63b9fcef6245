// A value of which there is always one whole, current version: written by one thread, read by many
// without locks. A version never changes once published; old ones are freed by epochs.
//
// Proof that a reader sees whole versions only: the writer finishes the new version before it stores
// the pointer, and the store releases all of that; a reader's load acquires it. That the version stays
// alive while it is read is epoch.hpp's proof; it needs both accesses below in its total order, which is
// why they are sequentially consistent and not merely release and acquire.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "tables/epoch.hpp"

namespace dvr {

template <class T>
class Published {
 public:
  Published(Epochs& epochs, std::unique_ptr<const T> first) : epochs_(epochs), latest_(std::move(first)) {
    current_.store(latest_.get(), std::memory_order_seq_cst);
  }

  // Reader, inside a Burst: the current version, alive until the burst ends.
  const T& read() const { return *current_.load(std::memory_order_seq_cst); }

  // Writer: the version it published last.
  const T& latest() const { return *latest_; }

  // Writer: makes `next` the current version, and frees the old ones nobody reads any more.
  void publish(std::unique_ptr<const T> next) {
    current_.store(next.get(), std::memory_order_seq_cst);
    const uint64_t epoch = epochs_.advance();
    retired_.push_back({epoch, std::move(latest_)});
    latest_ = std::move(next);
    reclaim();
  }

  // Writer: frees old versions that no reader can hold; answers how many remain.
  size_t reclaim() {
    const uint64_t oldest = epochs_.oldest();
    std::erase_if(retired_, [oldest](const Retired& old) { return old.epoch <= oldest; });
    return retired_.size();
  }

 private:
  struct Retired {
    uint64_t epoch;
    std::unique_ptr<const T> value;
  };

  Epochs& epochs_;
  std::atomic<const T*> current_{nullptr};
  std::unique_ptr<const T> latest_;
  std::vector<Retired> retired_;
};

}  // namespace dvr
