// The rows of br-ex's tables, as rows.hpp says of all: between the provider's wires and this node's own devices in
// external networks.
#pragma once

#include "tables/rows.hpp"

namespace dvr {

// The external network of a provider VLAN on a wire; 0 is untagged. Read by provider_in.
struct ProviderInRow {
  static constexpr const char* kName = "provider_in";
  static constexpr size_t kLimit = 4094;
  struct Key {
    PortId port;
    uint16_t vlan = 0;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(port) DVR_FIELD(vlan))
  };
  struct Value {
    LocalVlan local_vlan;
    DVR_FIELDS(DVR_FIELD(local_vlan))
  };
};

// This node's own devices in an external network, by MAC. Read by ex_switch, and by provider_in, which lets nobody
// else have these MACs.
struct ExSwitchRow {
  static constexpr const char* kName = "ex_switch";
  static constexpr size_t kLimit = kPortLimit;
  using Key = RouterMacRow::Key;
  struct Value {
    PortId port;
    DVR_FIELDS(DVR_FIELD(port))
  };
};

// This node's own devices that get an external network's broadcasts. Read by ex_flood, as a list.
struct ExFloodRow {
  static constexpr const char* kName = "ex_flood";
  static constexpr size_t kLimit = kPortLimit;
  using Key = FloodRow::Key;
  struct Value {
    DVR_FIELDS()
  };
};

// The wire of an external network, and its provider VLAN there; 0 is untagged. Read by provider_out.
struct ProviderOutRow {
  static constexpr const char* kName = "provider_out";
  static constexpr size_t kLimit = 4094;
  struct Key {
    LocalVlan local_vlan;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan))
  };
  struct Value {
    PortId port;
    uint16_t vlan = 0;
    DVR_FIELDS(DVR_FIELD(port) DVR_FIELD(vlan))
  };
};

}  // namespace dvr
