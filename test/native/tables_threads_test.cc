// Published versions, epochs and rings under real threads: run under ThreadSanitizer, these are the proof
// that the prose in the four files with memory orders is about the code.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "random_world.hpp"
#include "tables/published.hpp"
#include "worker/counters.hpp"
#include "worker/ring.hpp"

using namespace dvr;

namespace {

// A version that knows whether it is whole and alive.
struct Version {
  explicit Version(uint64_t number) : numbers(64, number) {}
  ~Version() { numbers.assign(64, UINT64_MAX); }
  std::vector<uint64_t> numbers;
};

bool is_whole(const Version& version) {
  for (const uint64_t number : version.numbers)
    if (number != version.numbers[0] || number == UINT64_MAX) return false;
  return true;
}

}  // namespace

TEST_CASE("A reader sees whole versions only, never an older one after a newer, never a freed one") {
  constexpr size_t kReaders = 3;
  constexpr uint64_t kVersions = 3000;
  Epochs epochs(kReaders);
  Published<Version> published(epochs, std::make_unique<const Version>(0));
  std::atomic<bool> wrong = false;
  std::vector<std::thread> readers;
  for (size_t reader = 0; reader < kReaders; ++reader)
    readers.emplace_back([&, reader] {
      for (uint64_t last = 0; last < kVersions;) {
        const Burst burst(epochs, reader);
        const Version& version = published.read();
        if (!is_whole(version) || version.numbers[0] < last) wrong = true;
        last = version.numbers[0];
        if (!is_whole(version)) wrong = true;
        if (wrong) return;
      }
    });
  for (uint64_t number = 1; number <= kVersions; ++number) published.publish(std::make_unique<const Version>(number));
  for (auto& reader : readers) reader.join();
  CHECK(!wrong);
  CHECK(published.reclaim() == 0);
}

TEST_CASE("Lookups during churn find every row that stays, and rows of one batch change together") {
  using test::Batch;
  constexpr size_t kReaders = 2;
  constexpr uint32_t kRows = 3000, kBatches = 3000;
  // Rows come in pairs that every batch changes together; half of the pairs come and go.
  const auto key = [](uint32_t number, uint16_t vlan) {
    return UcastToTunRow::Key{
        {vlan}, {{2, 0, 0, 0, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}}};
  };
  const auto value = [](uint32_t batch) {
    return UcastToTunRow::Value{
        IpAddr::v4(10, 0, static_cast<uint8_t>(batch >> 8), static_cast<uint8_t>(batch)), false, false};
  };
  Batch all;
  for (uint32_t number = 0; number < kRows; ++number)
    all.put<UcastToTunRow>(key(number, 1), value(0)).put<UcastToTunRow>(key(number, 2), value(0));
  Epochs epochs(kReaders);
  Published<Tables> published(epochs, std::move(apply_batch(Tables(), all.bytes()).tables));

  std::atomic<bool> wrong = false;
  std::vector<std::thread> readers;
  for (size_t reader = 0; reader < kReaders; ++reader)
    readers.emplace_back([&, reader] {
      uint32_t number = static_cast<uint32_t>(reader);
      for (uint64_t last = 0; last < kBatches && !wrong;) {
        const Burst burst(epochs, reader);
        const Tables& tables = published.read();
        last = tables.generation;
        for (int lookup = 0; lookup < 64; ++lookup, number = (number + 1) % kRows) {
          const auto* left = tables.find<UcastToTunRow>(key(number, 1));
          const auto* right = tables.find<UcastToTunRow>(key(number, 2));
          if ((left == nullptr) != (right == nullptr)) wrong = true;
          if (left == nullptr && number % 2 == 0) wrong = true;
          if (left != nullptr && right != nullptr && left->vtep != right->vtep) wrong = true;
        }
      }
    });
  test::Random random(1);
  for (uint32_t count = 1; count <= kBatches; ++count) {
    const uint32_t number = random.below(kRows);
    Batch batch(count);
    for (const uint16_t vlan : {1, 2})
      if (number % 2 == 1 && published.latest().find<UcastToTunRow>(key(number, vlan)) != nullptr)
        batch.erase<UcastToTunRow>(key(number, vlan));
      else
        batch.put<UcastToTunRow>(key(number, vlan), value(count));
    published.publish(apply_batch(published.latest(), batch.bytes()).tables);
  }
  for (auto& reader : readers) reader.join();
  CHECK(!wrong);
  CHECK(published.reclaim() == 0);
}

TEST_CASE("A version stays alive while a reader holds it, and is freed once the reader has left") {
  Epochs epochs(1);
  Published<Version> published(epochs, std::make_unique<const Version>(1));
  {
    const Burst burst(epochs, 0);
    const Version& held = published.read();
    published.publish(std::make_unique<const Version>(2));
    CHECK(published.reclaim() == 1);
    CHECK(held.numbers[0] == 1);
    CHECK(published.read().numbers[0] == 2);
  }
  CHECK(published.reclaim() == 0);
}

TEST_CASE("A reader that sleeps between bursts delays nobody") {
  Epochs epochs(8);
  Published<Version> published(epochs, std::make_unique<const Version>(1));
  published.publish(std::make_unique<const Version>(2));
  CHECK(published.reclaim() == 0);
}

TEST_CASE("A ring keeps order between two threads and loses only what it refuses") {
  constexpr uint64_t kEntries = 100000;
  Ring<std::unique_ptr<uint64_t>, 64> ring;
  uint64_t expected = 0;
  bool in_order = true;
  std::thread producer([&] {
    for (uint64_t number = 0; number < kEntries;)
      if (ring.push(std::make_unique<uint64_t>(number)))
        ++number;
      else
        std::this_thread::yield();
  });
  std::unique_ptr<uint64_t> entry;
  while (expected < kEntries)
    if (ring.take(entry))
      in_order = in_order && *entry == expected++;
    else
      std::this_thread::yield();
  producer.join();
  CHECK(in_order);
  CHECK(!ring.take(entry));
}

TEST_CASE("A full ring refuses the newest and keeps the oldest") {
  Ring<int, 4> ring;
  for (int i = 0; i < 4; ++i) CHECK(ring.push(i));
  CHECK(!ring.push(4));
  int entry = -1;
  CHECK(ring.take(entry));
  CHECK(entry == 0);
  CHECK(ring.push(5));
}

TEST_CASE("A count is read by another thread while its worker counts") {
  Count count;
  std::thread worker([&] {
    for (int i = 0; i < 10000; ++i) count.add(1);
  });
  uint64_t last = 0;
  bool grows = true;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t now = count.value();
    grows = grows && now >= last;
    last = now;
  }
  worker.join();
  CHECK(grows);
  CHECK(count.value() == 10000);
}
