// All tables of one version, as the stages read them. A version never changes once published; a batch
// makes the next one, sharing with it every block of rows that it does not touch.
#pragma once

#include <tuple>

#include "tables/br_ex_rows.hpp"
#include "tables/derived.hpp"
#include "tables/persistent_map.hpp"
#include "tables/rows.hpp"

namespace dvr {

template <class Row>
using Table = PersistentMap<typename Row::Key, typename Row::Value, Row::kLimit>;

// The tables in packet order; a table's place here is its number in a batch.
using AllRows = std::tuple<VtepRow, TunToLvRow, PortRow, DvrMacRow, DvrToSrcMacRow, AllowedSourceRow,
                           NeighbourRow, RaResponderRow, RouterMacRow, RoutesRow, SwitchRow, FloodRow, UcastToTunRow,
                           FloodToTunRow, NetworkRow, SnatGatewayRow, ProviderInRow, ExSwitchRow, ExFloodRow, ProviderOutRow>;

// What all tables take when every one of them is full, without what is derived (derived.hpp: at most 24 bytes
// a row of flood_to_tun and flood). While a batch replaces all rows, the version before is there as well; and
// a reader that sleeps inside a burst holds back what the batches of that time replaced.
inline constexpr size_t kMostTableBytes = 128u << 20;

template <class Rows>
struct TablesOf;
template <class... Row>
struct TablesOf<std::tuple<Row...>> {
  using type = std::tuple<Table<Row>...>;
};

struct Tables : Derived {
  uint64_t generation = 0;  // of the view that the rows follow from: batches of one view have the same
  uint64_t version = 0;     // batches since there was nothing: no other version of a dataplane has the same
  TablesOf<AllRows>::type rows;

  template <class Row>
  const Table<Row>& of() const {
    return std::get<Table<Row>>(rows);
  }
  template <class Row>
  Table<Row>& of() {
    return std::get<Table<Row>>(rows);
  }
  template <class Row>
  const typename Row::Value* find(const typename Row::Key& key) const {
    return of<Row>().find(key);
  }
};

}  // namespace dvr
