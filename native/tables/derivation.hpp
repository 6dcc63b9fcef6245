// Notes which rows a batch changes, and then derives again what follows from them (derived.hpp), and
// nothing else: a batch of one row costs what that row touches. Used by batch.cc alone.
#pragma once

#include <type_traits>
#include <vector>

#include "tables/tables.hpp"

namespace dvr {

class Derivation {
 public:
  // Takes `next` as it is before the batch: with what the version before derived.
  explicit Derivation(Tables& next) : next_(next) {}

  // The row was put or deleted, and was there before or not. Rows of most tables derive nothing.
  template <class Row>
  void changed(const typename Row::Key& key, bool was_there, bool is_there) {
    if constexpr (std::is_same_v<Row, PortRow>) ports_.push_back(key.port);
    if constexpr (std::is_same_v<Row, FloodRow>) flood_.push_back(key);
    if constexpr (std::is_same_v<Row, ExFloodRow>) ex_flood_.push_back(key);
    if constexpr (std::is_same_v<Row, FloodToTunRow>) flood_to_tun_.push_back(key);
    if constexpr (std::is_same_v<Row, DvrMacRow>) dvr_macs_changed_ = true;
    if constexpr (std::is_same_v<Row, RoutesRow>)
      if (is_there != was_there)
        routes_.push_back({key.ip.is_v4(), key.router, key.prefix_bits, is_there - was_there});
    if constexpr (std::is_same_v<Row, AllowedSourceRow>) {
      next_.allowed_rows_of_bits[key.prefix_bits] += is_there - was_there;
      allowed_sources_changed_ = true;
    }
  }

  template <class Row>
  void cleared() {
    if constexpr (std::is_same_v<Row, PortRow>) all_ports_changed_ = true;
    if constexpr (std::is_same_v<Row, FloodRow>) next_.ports = next_.vm_ports = {};
    if constexpr (std::is_same_v<Row, ExFloodRow>) next_.ex_ports = {};
    if constexpr (std::is_same_v<Row, FloodToTunRow>) next_.vteps = {};
    if constexpr (std::is_same_v<Row, DvrMacRow>) dvr_macs_changed_ = true;
    if constexpr (std::is_same_v<Row, RoutesRow>) {
      next_.v4_route_lengths = next_.v6_route_lengths = {};
      routes_.clear();
    }
    if constexpr (std::is_same_v<Row, AllowedSourceRow>) {
      next_.allowed_rows_of_bits = {};
      allowed_sources_changed_ = true;
    }
  }

  // After the last row.
  void finish();

 private:
  // One route more or less, of those with this router, family and length.
  struct RouteChange {
    bool is_v4;
    RouterId router;
    uint16_t bits;
    int more;
    auto operator<=>(const RouteChange&) const = default;
  };

  void note_floods_to_changed_ports();
  void derive_own_dvr_mac();
  void derive_allowed_prefix_bits();
  void derive_route_lengths();

  Tables& next_;
  std::vector<PortId> ports_;
  std::vector<FloodRow::Key> flood_;
  std::vector<ExFloodRow::Key> ex_flood_;
  std::vector<FloodToTunRow::Key> flood_to_tun_;
  std::vector<RouteChange> routes_;
  bool all_ports_changed_ = false;
  bool dvr_macs_changed_ = false;
  bool allowed_sources_changed_ = false;
};

}  // namespace dvr
