// The map under the tables: its limits, what its versions share, and what a row and a change of it cost.
#include <doctest/doctest.h>

#include <set>

#include "nodes.hpp"
#include "twin.hpp"

namespace dvr::test {
namespace {

using Fdb = Table<UcastToTunRow>;

UcastToTunRow::Key key_of(uint32_t number) {
  const auto byte = [number](int place) { return static_cast<uint8_t>(number >> 8 * place); };
  return {{static_cast<uint16_t>(1 + number % 4094)}, {{2, 0, byte(3), byte(2), byte(1), byte(0)}}};
}
UcastToTunRow::Value value_of(uint32_t number) {
  const auto byte = [number](int place) { return static_cast<uint8_t>(number >> 8 * place); };
  return {IpAddr::v4(10, byte(2), byte(1), byte(0)), false, false};
}

}  // namespace

TEST_CASE("a table near its limit answers as a std::map does, and a full one refuses only new keys") {
  Random random(50);
  compare_with_twin<PersistentMap<FloodRow::Key, SwitchRow::Value, 50>>(random, 100'000);
  compare_with_twin<PersistentMap<PortRow::Key, PortRow::Value, 50>>(random, 100'000);
  compare_with_twin<PersistentMap<PortRow::Key, PortRow::Value, 1>>(random, 1000);
}

TEST_CASE("a full table still replaces the rows it has, and takes a new one when one has gone") {
  PersistentMap<PortRow::Key, SwitchRow::Value, 2> map;
  CHECK(map.put({{1}}, {{10}}));
  CHECK(map.put({{2}}, {{20}}));
  CHECK_FALSE(map.put({{3}}, {{30}}));
  CHECK(map.find({{3}}) == nullptr);
  CHECK(map.put({{1}}, {{11}}));
  CHECK(map.find({{1}})->port == PortId{11});
  CHECK(map.erase({{2}}));
  CHECK(map.put({{3}}, {{30}}));
}

TEST_CASE("growing to 100 000 rows and shrinking to none, a table and its old versions answer as a std::map") {
  using Twin = std::map<UcastToTunRow::Key, UcastToTunRow::Value>;
  constexpr uint32_t kRows = 100'000;
  Fdb map;
  Twin twin;
  OldVersions<Fdb, Twin> old;
  Random random(5);
  for (uint32_t number = 0; number < kRows; ++number) {
    map.put(key_of(number), value_of(number));
    twin.emplace(key_of(number), value_of(number));
    if (random.one_in(kRows / 10)) old.keep(random, map, twin);
  }
  check_same(map, twin);
  size_t wrong_answers = 0;
  for (uint32_t number = 0; number < kRows; ++number) {
    wrong_answers += map.find(key_of(number + kRows)) != nullptr;
    wrong_answers += !map.erase(key_of(number));
    twin.erase(key_of(number));
    if (random.one_in(kRows / 10)) old.keep(random, map, twin);
  }
  CHECK(wrong_answers == 0);
  CHECK(map.memory_bytes() == 0);
  old.check();
}

TEST_CASE("a change of one row copies the way to it, however many rows there are, and shares the rest") {
  Fdb map;
  size_t most_bytes = 0;
  const auto change = [&](uint32_t number, bool put) {
    Fdb next = map;
    put ? next.put(key_of(number), value_of(number)) : next.erase(key_of(number));
    most_bytes = std::max(most_bytes, next.allocated_bytes());
    map = std::move(next);
  };
  for (uint32_t number = 0; number < 200'000; ++number) change(number, true);
  for (uint32_t number = 0; number < 1000; ++number) change(number, true);
  CHECK(map.memory_bytes() > 8'000'000);
  for (uint32_t number = 0; number < 200'000; ++number) change(number, false);
  CHECK(most_bytes < 16'384);
}

TEST_CASE("deleting a row that is not there copies nothing") {
  Fdb map;
  map.put(key_of(1), value_of(1));
  Fdb next = map;
  CHECK_FALSE(next.erase(key_of(2)));
  CHECK(next.shares_all_with(map));
}

TEST_CASE("a row of the FDB takes at most 64 bytes when the table is full, and 128 on the way there") {
  Fdb map;
  size_t checks = 0;
  for (uint32_t number = 0; number < UcastToTunRow::kLimit; ++number) {
    map.put(key_of(number), value_of(number));
    if (const size_t rows = number + 1; rows >= 1000 && (rows & (rows - 1)) == 0 && ++checks)
      CHECK(map.memory_bytes() <= rows * 128);
  }
  CHECK(checks > 10);
  CHECK_FALSE(map.put(key_of(UcastToTunRow::kLimit), {}));
  CHECK(map.memory_bytes() <= UcastToTunRow::kLimit * 64);
}

TEST_CASE("keys with one hash are kept apart up to a bound, and past it only new ones are refused") {
  struct OneHash {
    uint64_t operator()(const PortRow::Key&) const { return 0x0123456789abcdef; }
  };
  using Map = PersistentMap<PortRow::Key, SwitchRow::Value, 65536, OneHash>;
  Map map;
  for (uint16_t port = 0; port < Map::kMostAlike; ++port) REQUIRE(map.put({{port}}, {{port}}));
  const Map before = map;
  CHECK_FALSE(map.put({{9999}}, {}));
  CHECK(map.size() == Map::kMostAlike);
  CHECK(map.find({{9999}}) == nullptr);
  CHECK(map.put({{7}}, {{70}}));
  CHECK(map.find({{7}})->port == PortId{70});
  CHECK(before.find({{7}})->port == PortId{7});
  CHECK(map.erase({{8}}));
  CHECK(map.put({{9999}}, {}));
  for (uint16_t port = 0; port < Map::kMostAlike; ++port) map.erase({{port}});
  CHECK(map.size() == 1);
  CHECK(map.find({{9999}}) != nullptr);
}

TEST_CASE("keys that differ in one bit have different hashes") {
  std::set<uint64_t> hashes;
  DvrToSrcMacRow::Key key{{1}, kVm1.mac, kVm1.ip};
  auto* bytes = reinterpret_cast<uint8_t*>(&key);
  for (size_t bit = 0; bit < sizeof key * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    hashes.insert(hash_of(key));
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  CHECK(hashes.size() == sizeof key * 8);
}

}  // namespace dvr::test
