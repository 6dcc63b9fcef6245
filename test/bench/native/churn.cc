// dvr_churn: what a lookup in a full FDB takes while the writer changes one row a batch as fast as it can,
// beside what it takes while nobody writes. Packet threads never wait for the writer: apart from the caches that
// both use, the two histograms are one.
//
//   writer (this thread)  --one-row batches-->  Published<Tables>  <--lookups, each timed--  reader
//
// Needs two CPUs. What else the machine does shows in the tails of both; compare them with each other.
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "../../native/random_world.hpp"
#include "tables/published.hpp"

namespace dvr::bench {
namespace {

using Clock = std::chrono::steady_clock;
using test::Batch;
using test::Random;

constexpr uint32_t kRows = 1'000'000;
constexpr auto kSpan = std::chrono::seconds(5);
constexpr int kLookupsInABurst = 32;

// Counts of durations, in buckets an eighth of a power of two wide.
class Histogram {
 public:
  void add(uint64_t ns) { ++counts_[bucket_of(ns)], ++total_, most_ = std::max(most_, ns); }
  uint64_t total() const { return total_; }
  uint64_t most() const { return most_; }
  // The least duration that this part of all does not pass, to an eighth.
  uint64_t at(double part) const {
    auto left = static_cast<uint64_t>(part * static_cast<double>(total_));
    for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      if (counts_[bucket] > left) return top_of(bucket);
      left -= counts_[bucket];
    }
    return most_;
  }

 private:
  static size_t bucket_of(uint64_t ns) {
    const unsigned power = std::bit_width(ns | 8) - 1;
    return std::min<size_t>((power - 3) * 8 + (ns >> (power - 3) & 7), 255);
  }
  static uint64_t top_of(size_t bucket) { return ((8 + bucket % 8 + 1) << bucket / 8) - 1; }

  std::array<uint64_t, 256> counts_{};
  uint64_t total_ = 0, most_ = 0;
};

UcastToTunRow::Key key_of(uint32_t number) {
  const auto byte = [number](int place) { return static_cast<uint8_t>(number >> 8 * place); };
  return {{static_cast<uint16_t>(1 + number % 1000)}, {{2, 0, byte(3), byte(2), byte(1), byte(0)}}};
}

std::unique_ptr<const Tables> full_tables() {
  Batch batch;
  for (uint32_t number = 0; number < kRows; ++number)
    batch.put<UcastToTunRow>(key_of(number), {IpAddr::v4(10, 0, 0, 1), false, false});
  return apply_batch(Tables(), batch.bytes()).tables;
}

// Looks up random rows until told to stop; every one of them is there in every version.
Histogram timed_lookups(Epochs& epochs, const Published<Tables>& published, const std::atomic<bool>& stop) {
  Histogram histogram;
  Random random(1);
  while (!stop) {
    const Burst burst(epochs, 0);
    const Tables& tables = published.read();
    for (int count = 0; count < kLookupsInABurst; ++count) {
      const UcastToTunRow::Key key = key_of(random.below(kRows));
      const auto began = Clock::now();
      const bool found = tables.find<UcastToTunRow>(key) != nullptr;
      const auto took = Clock::now() - began;
      if (!found) std::fprintf(stderr, "a row is missing\n"), std::abort();
      histogram.add(static_cast<uint64_t>(std::chrono::nanoseconds(took).count()));
    }
  }
  return histogram;
}

void print(const char* what, const Histogram& histogram) {
  std::printf("| %-28s | %9llu | %6llu | %6llu | %8llu | %8llu | %10llu |\n", what,
              static_cast<unsigned long long>(histogram.total()),
              static_cast<unsigned long long>(histogram.at(0.5)),
              static_cast<unsigned long long>(histogram.at(0.99)),
              static_cast<unsigned long long>(histogram.at(0.999)),
              static_cast<unsigned long long>(histogram.at(0.9999)),
              static_cast<unsigned long long>(histogram.most()));
}

// Runs `write` again and again beside the reader; answers what the lookups took.
template <class Write>
Histogram beside(Epochs& epochs, const Published<Tables>& published, Write&& write) {
  std::atomic<bool> stop = false;
  Histogram histogram;
  std::thread reader([&] { histogram = timed_lookups(epochs, published, stop); });
  for (const auto end = Clock::now() + kSpan; Clock::now() < end;) write();
  stop = true;
  reader.join();
  return histogram;
}

int run() {
  Epochs epochs(1);
  Published<Tables> published(epochs, full_tables());
  std::printf("| lookups of %u rows, ns       |     count |    p50 |    p99 |    p99.9 |   p99.99 |       most |\n", kRows);
  std::printf("|------------------------------|----------:|-------:|-------:|---------:|---------:|-----------:|\n");
  print("nobody writes", beside(epochs, published, [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }));

  Random random(2);
  Histogram batches;
  print("one-row batches, back to back", beside(epochs, published, [&] {
          Batch batch;
          const uint32_t row = random.below(kRows);
          batch.put<UcastToTunRow>(key_of(row), {IpAddr::v4(10, 0, 0, random.byte()), false, false});
          const auto began = Clock::now();
          published.publish(apply_batch(published.latest(), batch.bytes()).tables);
          batches.add(static_cast<uint64_t>(std::chrono::nanoseconds(Clock::now() - began).count()));
        }));
  print("... what a batch takes", batches);
  return 0;
}

}  // namespace
}  // namespace dvr::bench

int main() { return dvr::bench::run(); }
