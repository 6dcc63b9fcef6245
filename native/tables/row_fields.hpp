// How a row names its fields: `DVR_FIELDS(DVR_FIELD(port) DVR_FIELD(vlan))` makes `fields(self, visit)`, which calls
// visit(name, member) for each in order.
#pragma once

#include "base/types.hpp"

// Keys are hashed as bytes, so none may have padding; values may.
#define DVR_FIELDS(...)                             \
  template <class Self, class Visit>                \
  static void fields(Self& self, Visit&& visit) {   \
    (void)self, (void)visit;                        \
    __VA_ARGS__                                     \
  }
#define DVR_FIELD(name) visit(#name, self.name);
