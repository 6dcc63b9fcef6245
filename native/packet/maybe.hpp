// A view of a header that may not be there. Used as std::optional is, but it is no wider than the view and needs no
// memory: g++ 12 writes an optional in two pieces and reads it back as one, for which the processor waits a dozen cycles
// at every header of every stage.
#pragma once

#include <optional>

namespace dvr {

// `View` has its first byte in `at_`, null where it is made of nothing, and Maybe as a friend.
template <class View>
class Maybe {
 public:
  Maybe(std::nullopt_t) {}                      // NOLINT: nothing is a Maybe
  Maybe(const View& view) : view_(view) {}      // NOLINT: and so is a view
  explicit operator bool() const { return view_.at_ != nullptr; }
  View* operator->() { return &view_; }
  const View* operator->() const { return &view_; }
  View& operator*() { return view_; }
  const View& operator*() const { return view_; }

 private:
  View view_;
};

}  // namespace dvr
