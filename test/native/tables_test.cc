// Every table beside a slow, obvious twin, a std::map, under the same random operations.
#include <doctest/doctest.h>

#include "base/json.hpp"
#include "nodes.hpp"
#include "tables/dump.hpp"
#include "twin.hpp"

namespace dvr::test {
namespace {

template <class Row>
void compare_table(Random& random) {
  CAPTURE(Row::kName);
  compare_with_twin<Table<Row>>(random, 100'000);
}

template <class... Row>
void compare_all(Random& random, std::tuple<Row...>*) {
  (compare_table<Row>(random), ...);
}

// Another key for each number: its bytes, in every field.
struct NumberField {
  uint32_t number;
  template <class T>
  void operator()(const char*, T& field) {
    std::memcpy(static_cast<void*>(&field), &number, std::min(sizeof number, sizeof field));
  }
};

template <class Row>
size_t bytes_when_full() {
  Table<Row> table;
  for (uint32_t number = 0; number < Row::kLimit; ++number) {
    typename Row::Key key{};
    NumberField fill{number};
    Row::Key::fields(key, fill);
    table.put(key, {});
  }
  REQUIRE(table.size() == Row::kLimit);
  return table.memory_bytes();
}

template <class... Row>
size_t bytes_of_all_when_full(std::tuple<Row...>*) {
  return (bytes_when_full<Row>() + ...);
}

}  // namespace

TEST_CASE("all tables together, each of them full, take no more memory than is said") {
  CHECK(bytes_of_all_when_full(static_cast<AllRows*>(nullptr)) <= kMostTableBytes);
}

TEST_CASE("each of the tables answers as a std::map does, through 100 000 random operations") {
  Random random(13);
  compare_all(random, static_cast<AllRows*>(nullptr));
}

TEST_CASE("the dump names every table, and every row with its fields as text") {
  const auto tables = Batch()
                          .put<PortRow>({{16}}, {PortKind::vm, {1}, kVm1.mac, true})
                          .put<NetworkRow>({{1}}, {{101}, 1500})
                          .put<DvrToSrcMacRow>({{1}, kVm1.mac, {}}, {kRedGateway.mac, {16}})
                          .put<SnatGatewayRow>({{1}, kRedGateway.mac}, {})
                          .put<RoutesRow>({{1}, 120, "10.2.0.0"_ip}, {{2}, kGreenGateway.mac, {}, false})
                          .on_nothing();
  CHECK(
      dump_json(*tables) ==
      R"([{"table":"vteps","rows":[]},{"table":"tun_to_lv","rows":[]},)"
      R"({"table":"ports","rows":[{"port":16,"kind":"vm","local_vlan":1,"mac":"fa:16:3e:00:01:11",)"
        R"("port_security":true}]},)"
      R"({"table":"dvr_macs","rows":[]},)"
      R"({"table":"dvr_to_src_mac","rows":[{"local_vlan":1,"mac":"fa:16:3e:00:01:11","ip":"",)"
      R"("gateway_mac":"fa:16:3e:00:01:01","port":16}]},)"
      R"({"table":"allowed_sources","rows":[]},{"table":"neighbours","rows":[]},{"table":"ra_responder","rows":[]},)"
      R"({"table":"router_macs","rows":[]},)"
      R"({"table":"routes","rows":[{"router":1,"prefix_bits":120,"ip":"10.2.0.0","local_vlan":2,)"
      R"("gateway_mac":"fa:16:3e:00:02:01","next_hop":"","to_namespace":false}]},)"
      R"({"table":"switch","rows":[]},{"table":"flood","rows":[]},{"table":"ucast_to_tun","rows":[]},)"
      R"({"table":"flood_to_tun","rows":[]},)"
        R"({"table":"networks","rows":[{"local_vlan":1,"vni":101,"mtu_bytes":1500}]},)"
      R"({"table":"snat_gateways","rows":[{"local_vlan":1,"mac":"fa:16:3e:00:01:01","vtep":""}]},)"
      R"({"table":"provider_in","rows":[]},{"table":"ex_switch","rows":[]},{"table":"ex_flood","rows":[]},)"
      R"({"table":"provider_out","rows":[]}])");
}

TEST_CASE("addresses are written as RFC 5952 wants them") {
  CHECK(text_of("2001:DB8:0:0:0:0:0:1"_ip) == "2001:db8::1");
  CHECK(text_of("10.1.0.11"_ip) == "10.1.0.11");
  CHECK(text_of(IpAddr{}) == "");
  CHECK(text_of(kVm1.mac) == "fa:16:3e:00:01:11");
}

}  // namespace dvr::test
