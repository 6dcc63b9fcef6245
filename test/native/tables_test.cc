// Every table beside a slow, obvious twin, a std::map, under the same random operations.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "base/json.hpp"
#include "nodes.hpp"
#include "random_world.hpp"
#include "tables/dump.hpp"

namespace dvr::test {
namespace {

constexpr int kOperations = 100'000;

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
  void operator()(const char*, uint16_t& number) { number = static_cast<uint16_t>(random.below(129)); }
  void operator()(const char*, PortKind& kind) { kind = random.one_in(2) ? PortKind::vm : PortKind::router; }
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

// Runs the operations on both and compares every answer.
template <class Map, class Key, class Value>
void compare_with_twin(Random& random, int operations) {
  Map map;
  std::map<Key, Value> twin;
  size_t wrong_answers = 0;
  for (int count = 0; count < operations; ++count) {
    const Key key = random_fields<Key>(random);
    const uint32_t dice = random.below(1000);
    if (dice == 0) {
      check_same(map, twin);
      map = Map();
      twin.clear();
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
}

template <class Row>
void compare_table(Random& random) {
  CAPTURE(Row::kName);
  compare_with_twin<Table<Row>, typename Row::Key, typename Row::Value>(random, kOperations);
}

template <class... Row>
void compare_all(Random& random, std::tuple<Row...>*) {
  (compare_table<Row>(random), ...);
}

}  // namespace

TEST_CASE("each of the tables answers as a std::map does, through 100 000 random operations") {
  Random random(13);
  compare_all(random, static_cast<AllRows*>(nullptr));
}

TEST_CASE("a table near its limit answers as a std::map does, and a full one refuses only new keys") {
  Random random(50);
  compare_with_twin<FlatMap<FloodRow::Key, SwitchRow::Value, 50>, FloodRow::Key, SwitchRow::Value>(
      random, kOperations);
  compare_with_twin<FlatMap<PortRow::Key, PortRow::Value, 50>, PortRow::Key, PortRow::Value>(random,
                                                                                             kOperations);
  compare_with_twin<FlatMap<PortRow::Key, PortRow::Value, 1>, PortRow::Key, PortRow::Value>(random, 1000);
}

TEST_CASE("a full table still replaces the rows it has, and takes a new one when one has gone") {
  FlatMap<PortRow::Key, SwitchRow::Value, 2> map;
  CHECK(map.put({{1}}, {{10}}));
  CHECK(map.put({{2}}, {{20}}));
  CHECK_FALSE(map.put({{3}}, {{30}}));
  CHECK(map.find({{3}}) == nullptr);
  CHECK(map.put({{1}}, {{11}}));
  CHECK(map.find({{1}})->port == PortId{11});
  CHECK(map.erase({{2}}));
  CHECK(map.put({{3}}, {{30}}));
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

TEST_CASE("the dump names every table, and every row with its fields as text") {
  const auto tables = Batch()
                          .put<PortRow>({{16}}, {PortKind::vm, {1}, kVm1.mac, true})
                          .put<NetworkRow>({{1}}, {{101}, 1500})
                          .put<DvrToSrcMacRow>({{1}, kVm1.mac, {}}, {kRedGateway.mac, {16}})
                          .on_nothing();
  CHECK(
      dump_json(*tables) ==
      R"([{"table":"vteps","rows":[]},{"table":"tun_to_lv","rows":[]},)"
      R"({"table":"ports","rows":[{"port":16,"kind":"vm","local_vlan":1,"mac":"fa:16:3e:00:01:11",)"
        R"("port_security":true}]},)"
      R"({"table":"dvr_macs","rows":[]},)"
      R"({"table":"dvr_to_src_mac","rows":[{"local_vlan":1,"mac":"fa:16:3e:00:01:11","ip":"",)"
      R"("gateway_mac":"fa:16:3e:00:01:01","port":16}]},)"
      R"({"table":"allowed_sources","rows":[]},{"table":"arp_responder","rows":[]},)"
        R"({"table":"route","rows":[]},)"
      R"({"table":"switch","rows":[]},{"table":"flood","rows":[]},{"table":"ucast_to_tun","rows":[]},)"
      R"({"table":"flood_to_tun","rows":[]},)"
        R"({"table":"networks","rows":[{"local_vlan":1,"vni":101,"mtu_bytes":1500}]}])");
}

TEST_CASE("addresses are written as RFC 5952 wants them") {
  CHECK(text_of("2001:DB8:0:0:0:0:0:1"_ip) == "2001:db8::1");
  CHECK(text_of("10.1.0.11"_ip) == "10.1.0.11");
  CHECK(text_of(IpAddr{}) == "");
  CHECK(text_of(kVm1.mac) == "fa:16:3e:00:01:11");
}

}  // namespace dvr::test
