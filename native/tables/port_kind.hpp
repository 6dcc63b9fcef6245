// What a port is to the bridges, and which of them it is on.
#pragma once

#include <cstdint>

namespace dvr {

// On br-int a VM's port, a router's (`qr-`), or the SNAT namespace's in a tenant network (`sg-`), trusted as a
// router's; on br-ex a namespace's (`qg-`, `fg-`), or a wire of the provider.
enum class PortKind : uint8_t { vm = 1, router = 2, snat = 3, external = 4, uplink = 5 };

constexpr bool is_of_br_ex(PortKind kind) { return kind == PortKind::external || kind == PortKind::uplink; }

// As `dvr tables` and src/dataplane/fields.ts call them.
constexpr const char* port_kind_name(PortKind kind) {
  switch (kind) {
    case PortKind::vm: return "vm";
    case PortKind::router: return "router";
    case PortKind::snat: return "snat";
    case PortKind::external: return "external";
    case PortKind::uplink: return "uplink";
  }
  return nullptr;
}

}  // namespace dvr
