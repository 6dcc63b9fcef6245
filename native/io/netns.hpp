// Working inside another network namespace for a moment: sockets made there stay there, the thread comes
// back. A namespace belongs to a thread, so this must never span an await.
#pragma once

#include <string>

#include "io/fd.hpp"
#include "io/system_error.hpp"

namespace dvr {

class InsideNetns {
 public:
  // Enters the namespace at `path` (/run/netns/…, /proc/…/ns/net); look at `error` before going on.
  explicit InsideNetns(const std::string& path);
  // Enters the namespace of an open nsfs descriptor.
  explicit InsideNetns(const Fd& netns);
  // Comes back. A thread that could not would do everything after in the wrong place: it aborts.
  ~InsideNetns();
  InsideNetns(const InsideNetns&) = delete;
  InsideNetns& operator=(const InsideNetns&) = delete;

  const SystemError& error() const { return error_; }

 private:
  void enter(int netns, const std::string& about);

  Fd home_;
  bool inside_ = false;
  SystemError error_;
};

}  // namespace dvr
