#include "io/netns.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cstdlib>

namespace dvr {

InsideNetns::InsideNetns(const std::string& path) {
  const Fd netns{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!netns.is_open()) {
    error_ = failed("open", path);
    return;
  }
  enter(netns.number(), path);
}

InsideNetns::InsideNetns(const Fd& netns) { enter(netns.number(), "netns"); }

InsideNetns::~InsideNetns() {
  if (inside_ && setns(home_.number(), CLONE_NEWNET) < 0) std::abort();
}

void InsideNetns::enter(int netns, const std::string& about) {
  home_ = Fd{open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!home_.is_open())
    error_ = failed("open", "/proc/thread-self/ns/net");
  else if (setns(netns, CLONE_NEWNET) < 0)
    error_ = failed("setns", about);
  else
    inside_ = true;
}

}  // namespace dvr
