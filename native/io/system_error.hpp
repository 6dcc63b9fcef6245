// What a system call answered when it failed: the number, the call, and what it was about. Carried up to
// the seam, which throws it as an Error with `code`, `errno` and `syscall`.
#pragma once

#include <cerrno>
#include <string>
#include <utility>

namespace dvr {

struct SystemError {
  int number = 0;             // errno; 0: no error
  const char* call = "";      // "ioctl(TUNSETIFF)"
  std::string about;          // "tap16"

  explicit operator bool() const { return number != 0; }
};

// The error of the system call that has just failed.
inline SystemError failed(const char* call, std::string about) { return {errno, call, std::move(about)}; }

// A value, or why there is none.
template <class T>
struct Result {
  T value{};
  SystemError error{};

  Result(T of) : value(std::move(of)) {}
  Result(SystemError why) : error(std::move(why)) {}
  bool ok() const { return error.number == 0; }
};

}  // namespace dvr
