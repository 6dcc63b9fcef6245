// A map beside a slow, obvious twin, a std::map, under the same random operations.
#pragma once

#include <doctest/doctest.h>

#include <map>

#include "random_world.hpp"

namespace dvr::test {

// Fills any field from a small pool, so that keys meet again.
struct FillField {
  Random& random;
  void operator()(const char*, MacAddr& mac) { mac.bytes[5] = static_cast<uint8_t>(random.below(12)); }
  void operator()(const char*, IpAddr& ip) {
    ip = IpAddr::v4(10, 0, 0, static_cast<uint8_t>(random.below(12)));
  }
  void operator()(const char*, Vni& vni) { vni.value = 1 + random.below(200); }
  void operator()(const char*, LocalVlan& vlan) { vlan.value = static_cast<uint16_t>(1 + random.below(200)); }
  void operator()(const char*, PortId& port) {
    port.value = static_cast<uint16_t>(kFirstFreePort + random.below(200));
  }
  void operator()(const char*, RouterId& router) { router.value = static_cast<uint16_t>(random.below(20)); }
  void operator()(const char*, uint16_t& number) { number = static_cast<uint16_t>(random.below(129)); }
  void operator()(const char*, PortKind& kind) { kind = static_cast<PortKind>(1 + random.below(5)); }
  void operator()(const char*, bool& flag) { flag = random.one_in(2); }
};

template <class Fields>
Fields random_fields(Random& random) {
  Fields fields{};
  FillField fill{random};
  Fields::fields(fields, fill);
  return fields;
}

// A value as bytes without padding, to compare.
struct Flatten {
  std::array<uint8_t, 32> bytes{};
  size_t at = 0;
  template <class T>
  void operator()(const char*, const T& field) {
    std::memcpy(bytes.data() + at, &field, sizeof field);
    at += sizeof field;
  }
};
template <class Value>
std::array<uint8_t, 32> flat(const Value& value) {
  Flatten flatten;
  Value::fields(value, flatten);
  return flatten.bytes;
}

template <class Map, class Twin>
void check_same(const Map& map, const Twin& twin) {
  REQUIRE(map.size() == twin.size());
  size_t visited = 0, different = 0;
  map.for_each([&](const auto& key, const auto& value) {
    ++visited;
    const auto at = twin.find(key);
    if (at == twin.end() || flat(at->second) != flat(value)) ++different;
  });
  CHECK(visited == twin.size());
  CHECK(different == 0);
}

// A few old versions of a map with what they held, as readers hold them while newer ones are made.
template <class Map, class Twin>
class OldVersions {
 public:
  void keep(Random& random, const Map& map, const Twin& twin) {
    const size_t place = random.below(4);
    check_same(kept_[place].first, kept_[place].second);
    kept_[place] = {map, twin};
  }
  void check() const {
    for (const auto& [map, twin] : kept_) check_same(map, twin);
  }

 private:
  std::array<std::pair<Map, Twin>, 4> kept_;
};

// Runs the operations on both and compares every answer; older versions must stay as they were.
template <class Map>
void compare_with_twin(Random& random, int operations) {
  using Key = typename Map::KeyType;
  using Value = typename Map::ValueType;
  Map map;
  std::map<Key, Value> twin;
  OldVersions<Map, std::map<Key, Value>> old;
  size_t wrong_answers = 0;
  for (int count = 0; count < operations; ++count) {
    const Key key = random_fields<Key>(random);
    const uint32_t dice = random.below(1000);
    if (dice == 0) {
      check_same(map, twin);
      map = Map();
      twin.clear();
    } else if (dice < 4) {
      old.keep(random, map, twin);
    } else if (dice < 500) {
      const Value value = random_fields<Value>(random);
      const bool fits = twin.contains(key) || twin.size() < Map::kLimit;
      wrong_answers += map.put(key, value) != fits;
      if (fits) twin.insert_or_assign(key, value);
    } else if (dice < 800) {
      wrong_answers += map.erase(key) != (twin.erase(key) == 1);
    } else {
      const auto at = twin.find(key);
      const Value* found = map.find(key);
      wrong_answers += (found != nullptr) != (at != twin.end());
      if (found != nullptr && at != twin.end()) wrong_answers += flat(*found) != flat(at->second);
    }
  }
  CHECK(wrong_answers == 0);
  check_same(map, twin);
  old.check();
}

}  // namespace dvr::test
