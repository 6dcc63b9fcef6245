// A sorted list for each local VLAN, or each router, shared between versions: 64 pages of 64 lists, of which
// a change copies one page and makes one list anew.
// Threads: as persistent_map.hpp; made and changed by the writer, read once published.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace dvr {

template <class Number, class T>
class SharedLists {
 public:
  std::span<const T> of(Number number) const {
    if (pages_ == nullptr || number.value >= kPages * kLists) return {};
    const auto& page = (*pages_)[number.value / kLists];
    if (page == nullptr) return {};
    const auto& list = (*page)[number.value % kLists];
    if (list == nullptr) return {};
    return *list;
  }

  void set(Number number, std::vector<T> list) {
    auto& page = own(own(pages_)[number.value / kLists]);
    auto& place = page[number.value % kLists];
    place = list.empty() ? nullptr : std::make_shared<const std::vector<T>>(std::move(list));
  }

 private:
  static constexpr size_t kPages = 64, kLists = 64;
  static_assert(kPages * kLists >= kRouterLimit);
  using Page = std::array<std::shared_ptr<const std::vector<T>>, kLists>;
  using Pages = std::array<std::shared_ptr<Page>, kPages>;

  // Copied if another version shares it; only the writer makes and drops references, so the count is exact.
  template <class Shared>
  static Shared& own(std::shared_ptr<Shared>& shared) {
    if (shared == nullptr) {
      shared = std::make_shared<Shared>();
    } else if (shared.use_count() != 1) {
      shared = std::make_shared<Shared>(*shared);
    }
    return *shared;
  }

  std::shared_ptr<Pages> pages_;
};

}  // namespace dvr
