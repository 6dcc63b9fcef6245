// Small benches of native code: what a packet costs in each stage and on whole paths, without any system call.
// A bench is a file that registers cases; main.cc measures them, and test/native/allocations_test.cc runs each
// once to see that it allocates nothing.
//
//   const Benches kSum("checksum", [] { return std::vector<Case>{{.name = "20 bytes", .packets = 256, .run = …}}; });
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace dvr::bench {

struct Case {
  std::string name;
  size_t packets = 1;                     // that one `run` handles
  std::function<void()> prepare = [] {};  // not measured: puts back what `run` changes
  std::function<void()> run;
};

struct Group {
  const char* name;
  std::vector<Case> (*make)();
};

// All that the linked files have registered, in no order that means anything.
inline std::vector<Group>& groups() {
  static std::vector<Group> all;
  return all;
}

struct Benches {
  Benches(const char* group, std::vector<Case> (*make)()) { groups().push_back({group, make}); }
};

// The compiler may not leave out what makes the value.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

}  // namespace dvr::bench
