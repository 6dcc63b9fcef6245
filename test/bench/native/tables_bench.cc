// Lookups in the FDB from a handful of rows to a million. Each waits for the one before it, as the lookups of one
// packet do, so what is shown is how long a lookup takes and not how many fit beside each other.
//
//   any row       all rows alike: past what the caches hold, one miss of the cache (and of the TLB) each
//   1000 rows     the same thousand again and again, wherever they lie in the table: what does not grow
//   no row        keys that are not there
#include <memory>

#include "../../native/random_world.hpp"
#include "bench.hpp"

namespace dvr::bench {
namespace {

using Fdb = Table<UcastToTunRow>;
using Keys = std::vector<UcastToTunRow::Key>;

constexpr size_t kLookups = 1 << 18;
constexpr uint32_t kHotRows = 1000;

UcastToTunRow::Key key_of(uint32_t number) {
  const auto byte = [number](int place) { return static_cast<uint8_t>(number >> 8 * place); };
  return {{static_cast<uint16_t>(1 + number % 1000)}, {{2, 0, byte(3), byte(2), byte(1), byte(0)}}};
}

std::shared_ptr<const Fdb> fdb_of(uint32_t rows) {
  auto fdb = std::make_shared<Fdb>();
  for (uint32_t number = 0; number < rows; ++number) fdb->put(key_of(number), {});
  return fdb;
}

// Random numbers below `count`, times `step`, from `first` on.
Keys keys_of(uint32_t count, uint32_t step = 1, uint32_t first = 0) {
  test::Random random(7);
  Keys keys(kLookups);
  for (auto& key : keys) key = key_of(first + random.below(count) * step);
  return keys;
}

Case lookups(std::string name, std::shared_ptr<const Fdb> fdb, Keys keys) {
  const auto all = std::make_shared<const Keys>(std::move(keys));
  return {.name = std::move(name), .packets = kLookups, .run = [fdb, all] {
            uint16_t last = 0;  // always 0, which the compiler does not know
            for (auto key : *all) {
              key.local_vlan.value = static_cast<uint16_t>(key.local_vlan.value + last);
              const auto* value = fdb->find(key);
              last = value == nullptr ? 0 : value->learned;
            }
            keep(last);
          }};
}

const Benches kTables("tables", [] {
  std::vector<Case> cases;
  for (const uint32_t rows : {4u, 1000u, 10'000u, 100'000u, 1'000'000u}) {
    const auto fdb = fdb_of(rows);
    const std::string of = " of " + std::to_string(rows);
    const uint32_t hot = std::min(rows, kHotRows);
    cases.push_back(lookups("lookup, any row" + of, fdb, keys_of(rows)));
    cases.push_back(lookups("lookup, " + std::to_string(hot) + " rows" + of, fdb, keys_of(hot, rows / hot)));
    cases.push_back(lookups("lookup, no row" + of, fdb, keys_of(rows, 1, rows)));
  }
  return cases;
});

}  // namespace
}  // namespace dvr::bench
