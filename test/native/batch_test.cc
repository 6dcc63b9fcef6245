// Batches: what they change, and that a bad one changes nothing and says which operation and why.
#include <doctest/doctest.h>

#include "invariants.hpp"
#include "random_world.hpp"
#include "tables/dump.hpp"

namespace dvr::test {
namespace {

// Both halves of "all or nothing": refused with this text, and what was there is still all there.
void check_refused(const Bytes& batch, uint32_t operation, const std::string& why) {
  const std::string before = dump_json(*cn1());
  const BatchResult result = apply_batch(*cn1(), batch);
  CHECK(result.tables == nullptr);
  CHECK(result.error == "operation " + std::to_string(operation) + ": " + why);
  CHECK(result.operations == operation);
  CHECK(dump_json(*cn1()) == before);
}

// Empties a table that something is derived from.
void clear_one_of(Batch& batch, Random& random) {
  switch (random.below(5)) {
    case 0: batch.clear<PortRow>(); break;
    case 1: batch.clear<FloodRow>(); break;
    case 2: batch.clear<FloodToTunRow>(); break;
    case 3: batch.clear<AllowedSourceRow>(); break;
    default: batch.clear<DvrMacRow>();
  }
}

// A batch whose operation 0 is good, so that refusing operation 1 must undo something.
Batch good() { return Batch().put<SwitchRow>({{1}, kStranger.mac}, {{16}}); }

}  // namespace

TEST_CASE("a batch puts, replaces and deletes rows, and carries the generation of its view") {
  const auto tables = Batch(42)
                          .put<SwitchRow>({{1}, kStranger.mac}, {{16}})
                          .put<SwitchRow>({{1}, kVm1.mac}, {{17}})
                          .erase<SwitchRow>({{2}, kVm4.mac})
                          .erase<SwitchRow>({{3}, kVm4.mac})
                          .on(*cn1());
  CHECK(tables->generation == 42);
  CHECK(tables->find<SwitchRow>({{1}, kStranger.mac})->port == PortId{16});
  CHECK(tables->find<SwitchRow>({{1}, kVm1.mac})->port == PortId{17});
  CHECK(tables->find<SwitchRow>({{2}, kVm4.mac}) == nullptr);
}

TEST_CASE("the version before a batch does not change, and tables a batch does not touch are shared") {
  const auto tables = Batch().clear<SwitchRow>().on(*cn1());
  CHECK(tables->of<SwitchRow>().size() == 0);
  CHECK(cn1()->of<SwitchRow>().size() == 2);
  CHECK(tables->of<RouterMacRow>().shares_all_with(cn1()->of<RouterMacRow>()));
  CHECK_FALSE(tables->of<SwitchRow>().shares_all_with(cn1()->of<SwitchRow>()));
}

TEST_CASE("a batch of one row shares with the version before all but the way to that row") {
  Batch many;
  for (uint16_t vlan = 1; vlan <= 200; ++vlan) {
    many.put<FloodToTunRow>({{vlan}, kVtep2}).put<FloodRow>({{vlan}, {static_cast<uint16_t>(16 + vlan)}});
    for (uint8_t last = 0; last < 100; ++last)
      many.put<UcastToTunRow>({{vlan}, {{2, 0, 0, 0, 0, last}}}, {kVtep2, false, false});
  }
  const auto before = many.on(*cn1());
  const auto tables = Batch()
                          .put<UcastToTunRow>({{7}, {{2, 0, 0, 0, 0, 7}}}, {kLeaf, false, false})
                          .put<FloodToTunRow>({{7}, kLeaf})
                          .on(*before);
  CHECK(before->of<UcastToTunRow>().memory_bytes() > 1'000'000);
  CHECK(tables->of<UcastToTunRow>().allocated_bytes() < 16'384);
  CHECK(tables->of<SwitchRow>().shares_all_with(before->of<SwitchRow>()));
  CHECK(tables->flood_vteps({7}).size() == 2);
  CHECK(before->flood_vteps({7}).size() == 1);
  CHECK(tables->flood_vteps({8}).data() == before->flood_vteps({8}).data());
  CHECK(tables->flood_ports({7}).data() == before->flood_ports({7}).data());
}

TEST_CASE("a batch that clears every table and puts all rows again gives the same tables") {
  Batch all(1);
  all.clear<VtepRow>().clear<TunToLvRow>().clear<PortRow>().clear<DvrMacRow>().clear<DvrToSrcMacRow>();
  all.clear<AllowedSourceRow>()
      .clear<NeighbourRow>()
      .clear<RouterMacRow>()
      .clear<RoutesRow>()
      .clear<SwitchRow>()
      .clear<FloodRow>();
  all.clear<UcastToTunRow>().clear<FloodToTunRow>().clear<NetworkRow>();
  const auto cleared = all.on(*cn1());
  CHECK(dump_json(*cleared) == dump_json(Tables()));
  CHECK(cleared->own_dvr_mac.is_zero());
  CHECK(cleared->flood_ports({1}).empty());
  CHECK(dump_json(*batch_of(kCn1).on(*cleared)) == dump_json(*cn1()));
}

TEST_CASE("an empty batch makes a new generation of the same rows") {
  const auto tables = Batch(7).on(*cn1());
  CHECK(tables->generation == 7);
  CHECK(dump_json(*tables) == dump_json(*cn1()));
}

TEST_CASE("every batch makes another version, also of the same generation") {
  const auto one = Batch(7).put<SwitchRow>({{1}, kStranger.mac}, {{16}}).on(*cn1());
  const auto two = Batch(7).on(*one);
  CHECK(one->version == cn1()->version + 1);
  CHECK(two->version == one->version + 1);
}

TEST_CASE("a buffer that is no batch is refused") {
  check_refused({}, 0, "the buffer is no batch of version 1");
  check_refused(first(Batch().bytes(), 15), 0, "the buffer is no batch of version 1");
  for (size_t at = 0; at < 8; ++at) {
    Bytes bytes = good().bytes();
    bytes[at] ^= 0x40;
    check_refused(bytes, 0, "the buffer is no batch of version 1");
  }
}

TEST_CASE("a batch cut at any byte is refused or is a shorter whole batch") {
  const Bytes whole = batch_of(kCn1).bytes();
  size_t accepted = 0;
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const BatchResult result = apply_batch(Tables(), std::span(whole).first(bytes));
    CHECK((result.tables != nullptr) == result.error.empty());
    if (result.tables) ++accepted;
  }
  CHECK(accepted == apply_batch(Tables(), whole).operations);  // one place to cut before each operation
}

TEST_CASE("a batch with one bad operation is refused whole, and says which and why") {
  const auto second = [](std::initializer_list<uint8_t> bytes, const char* why) {
    check_refused(good().raw(bytes).bytes(), 1, why);
  };
  second({1}, "the buffer ends inside an operation");
  constexpr auto kNoTable = static_cast<uint8_t>(std::tuple_size_v<AllRows>);
  second({1, kNoTable}, ("no table has the number " + std::to_string(kNoTable)).c_str());
  second({1, 255}, "no table has the number 255");
  second({0, 2, 16, 0}, "operation 0 is unknown in table ports");
  second({4, 2, 16, 0}, "operation 4 is unknown in table ports");
  second({2, 2, 16}, "the buffer ends inside a row in table ports");
  second({1, 2, 16, 0, 1}, "the buffer ends inside a row in table ports");
}

TEST_CASE("a field out of its range is refused, naming field and table") {
  const auto second = [](const Batch& batch, const char* why) { check_refused(batch.bytes(), 1, why); };
  for (const uint16_t vlan : {0, 4095, 65535})
    second(good().put<NetworkRow>({{vlan}}, {{101}, 1500}),
           "field local_vlan is out of range in table networks");
  for (const uint32_t vni : {0u, 1u << 24, ~0u})
    second(good().put<NetworkRow>({{1}}, {{vni}, 1500}), "field vni is out of range in table networks");
  for (const uint16_t port : {0, 1, 15, 4096, 65535})
    second(good().put<FloodRow>({{1}, {port}}), "field port is out of range in table flood");
  second(good().put<RouterMacRow>({{1}, kVm1.mac}, {{1}, {}}),
         "field namespace_port is out of range in table router_macs");
  second(good().put<RouterMacRow>({{1}, kVm1.mac}, {{20}, {kRouterLimit}}),
         "field router is out of range in table router_macs");
  second(good().put<RoutesRow>({{1}, 129, kVm1.ip}, {{1}, kVm1.mac, {}, false}),
         "field prefix_bits is out of range in table routes");
  second(good().put<RoutesRow>({{1}, 128, kVm1.ip}, {{1}, kBroadcast, {}, false}),
         "field gateway_mac is out of range in table routes");
  second(good().put<PortRow>({{16}}, {static_cast<PortKind>(6), {1}, {}, true}),
         "field kind is out of range in table ports");
  second(good().put<PortRow>({{16}}, {PortKind{}, {1}, {}, true}),
         "field kind is out of range in table ports");
  for (const PortKind kind : {PortKind::vm, PortKind::router, PortKind::snat, PortKind::external})
    second(good().put<PortRow>({{16}}, {kind, {}, {}, true}), "field local_vlan is out of range in table ports");
  second(good().put<PortRow>({{16}}, {PortKind::uplink, {1}, {}, true}),
         "field local_vlan is out of range in table ports");
  second(good().put<ProviderInRow>({{16}, 4095}, {{1}}), "field vlan is out of range in table provider_in");
  second(good().put<ProviderOutRow>({{1}}, {{16}, 4095}), "field vlan is out of range in table provider_out");
  second(good().put<SwitchRow>({{1}, kBroadcast}, {{16}}), "field mac is out of range in table switch");
  second(good().put<AllowedSourceRow>({{16}, kVm1.mac, {}, 129}),
         "field prefix_bits is out of range in table allowed_sources");
}

TEST_CASE("the ends of every range are accepted") {
  Batch batch;
  batch.put<NetworkRow>({{1}}, {{1}, 65535}).put<NetworkRow>({{4094}}, {{(1u << 24) - 1}, 0});
  batch.put<FloodRow>({{4094}, {kFirstFreePort}}).put<FloodRow>({{1}, {kPortLimit - 1}});
  batch.put<RouterMacRow>({{1}, kVm1.mac}, {kNoPort, {kRouterLimit - 1}});
  batch.put<AllowedSourceRow>({{16}, kVm1.mac, {}, 0}).put<AllowedSourceRow>({{16}, kVm1.mac, {}, 128});
  CHECK(batch.on_nothing()->find<NetworkRow>({{4094}})->vni == Vni{(1u << 24) - 1});
}

TEST_CASE("a table takes as many rows as its limit, and the batch with one more is refused whole") {
  Batch batch;
  for (uint32_t vlan = 1; vlan <= 4094; ++vlan) batch.put<TunToLvRow>({{vlan}}, {{1}});
  const auto full = batch.on_nothing();
  CHECK(full->of<TunToLvRow>().size() == TunToLvRow::kLimit);
  const BatchResult result = apply_batch(*full, Batch().erase<TunToLvRow>({{1}})
                                                    .put<TunToLvRow>({{5000}}, {{1}})
                                                    .put<TunToLvRow>({{5001}}, {{1}})
                                                    .bytes());
  CHECK(result.error == "operation 2: the table is full (4094 rows) in table tun_to_lv");
  CHECK(full->find<TunToLvRow>({{1}}) != nullptr);
}

TEST_CASE("a batch larger than 64 MiB is refused before a byte of it is read") {
  const Bytes bytes(kMaxBatchBytes + 1);
  check_refused(bytes, 0, "the batch is larger than 64 MiB");
}

TEST_CASE(
    "floods are derived from the rows: sorted, by network, and without routers for what the tunnel "
    "brings") {
  CHECK(std::ranges::equal(cn1()->flood_ports({1}), std::vector<PortId>{{16}, {20}}));
  CHECK(std::ranges::equal(cn1()->flood_vm_ports({1}), std::vector<PortId>{{16}}));
  CHECK(std::ranges::equal(cn1()->flood_vteps({1}), std::vector<IpAddr>{kVtep2, kLeaf}));
  CHECK(cn1()->flood_ports({3}).empty());
  CHECK(cn1()->flood_ports({4095}).empty());
  CHECK(cn1()->own_dvr_mac == kDvrMac1);
}

TEST_CASE("what a batch derives is what the slow way derives, over random tables and random changes") {
  Random random(2024);
  for (int round = 0; round < 40; ++round) {
    const World world = WorldMaker(random).make();
    REQUIRE(broken_derivation(*world.tables) == nullptr);
    Batch changes;
    for (int count = 0; count < 10; ++count) {
      const LocalVlan vlan{static_cast<uint16_t>(1 + random.below(8))};
      const PortId port{static_cast<uint16_t>(16 + random.below(8))};
      const auto bits = static_cast<uint16_t>(random.below(129));
      switch (random.below(12)) {
        case 9: changes.put<ExFloodRow>({vlan, port}); break;
        case 10: changes.erase<ExFloodRow>({vlan, port}); break;
        case 0: changes.put<FloodRow>({vlan, port}); break;
        case 1: changes.erase<FloodRow>({vlan, port}); break;
        case 2:
          changes.put<PortRow>({port},
                               {random.one_in(2) ? PortKind::vm : PortKind::router, vlan, {}, true});
          break;
        case 3: changes.put<AllowedSourceRow>({port, kVm1.mac, {}, bits}); break;
        case 4: changes.erase<DvrMacRow>({world.tables->own_dvr_mac}); break;
        case 5: changes.erase<PortRow>({port}); break;
        case 6: changes.erase<AllowedSourceRow>({port, kVm1.mac, {}, bits}); break;
        case 7: changes.put<FloodToTunRow>({vlan, random.of(world.vteps)}); break;
        case 8:
          if (random.one_in(4)) clear_one_of(changes, random);
          break;
        default: changes.erase<FloodToTunRow>({vlan, random.of(world.vteps)});
      }
    }
    REQUIRE(broken_derivation(*changes.on(*world.tables)) == nullptr);
  }
}

}  // namespace dvr::test
