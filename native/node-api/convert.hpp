// Between JS values and ours: the second, independent check of every argument, and the errors it throws.
// A wrong argument throws TypeError or RangeError that names it; a system call that failed throws an Error
// with `code`, `errno` and `syscall`, like Node's own. C++ exceptions are off: after a throw the caller
// returns at once, and every function here says so by its answer.
#pragma once

#include <napi.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/device.hpp"
#include "io/system_error.hpp"
#include "worker/dataplane.hpp"

namespace dvr::node_api {

void throw_system_error(Napi::Env env, const SystemError& error);

// Reads the fields of one JS object. The first fault throws, and from then on `ok` is false.
class ObjectReader {
 public:
  ObjectReader(Napi::Env env, Napi::Value value, std::string what);

  bool ok() const { return ok_; }
  bool has(const char* name);
  std::string string(const char* name);
  bool boolean(const char* name);
  uint32_t integer(const char* name, uint32_t least, uint32_t most);
  // An array of 1 to `most_count` integers.
  std::vector<uint32_t> integers(const char* name, uint32_t least, uint32_t most, uint32_t most_count);
  std::vector<std::string> strings(const char* name);
  MacAddr mac(const char* name);
  IpAddr ip(const char* name);
  Napi::Value value(const char* name);
  void refuse(const char* name, const char* expected);

 private:
  Napi::Env env_;
  Napi::Object object_;
  std::string what_;
  bool ok_ = true;
};

// Nothing: thrown.
std::optional<std::string> to_string(Napi::Env env, Napi::Value value, const char* argument);
std::optional<uint32_t> to_integer(Napi::Env env, Napi::Value value, const char* argument, uint32_t least,
                                   uint32_t most);
std::optional<std::span<const uint8_t>> to_bytes(Napi::Env env, Napi::Value value, const char* argument);
std::optional<DeviceSpec> to_spec(Napi::Env env, Napi::Value value, const char* argument);

// GateHold of src/dataplane/interface.ts; its deadline is checked against `now_ns`.
std::optional<GateHold> to_gate_hold(Napi::Env env, Napi::Value value, uint64_t now_ns);
std::optional<DataplaneOptions> to_options(Napi::Env env, Napi::Value value, const char* argument);

std::optional<MacAddr> parse_mac(const std::string& text);
std::optional<IpAddr> parse_ip(const std::string& text);

// DeviceInfo of src/dataplane/interface.ts.
Napi::Object from_device(Napi::Env env, const Device& device);
Napi::Value from_bytes(Napi::Env env, std::span<const uint8_t> bytes);
// Dumps cross the seam as JSON text; this is JSON.parse.
Napi::Value from_json(Napi::Env env, const std::string& json);

}  // namespace dvr::node_api
