// The class `NetfilterSocket` of the addon: NetfilterSocket of src/dataplane/native.ts. A netlink socket in a
// namespace, and nothing more: JS writes and reads the messages, at its own pace. What JS does not take waits
// in the socket, so a dump that nobody reads on stands still in the kernel.
#pragma once

#include <napi.h>
#include <uv.h>

#include <optional>
#include <vector>

#include "io/fd.hpp"
#include "io/system_error.hpp"
#include "node-api/loop_poll.hpp"

namespace dvr::node_api {

class NetfilterSocketObject : public Napi::ObjectWrap<NetfilterSocketObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NetfilterSocketObject(const Napi::CallbackInfo& info);

 private:
  void send(const Napi::CallbackInfo& info);
  Napi::Value take(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  void tell();
  bool is_open(Napi::Env env) const;

  Fd fd_;
  std::optional<LoopPoll> poll_;  // let go of before the descriptor is closed
  std::vector<uint8_t> buffer_;
  SystemError error_;             // of the last receive, not yet told
  Napi::FunctionReference heard_;
};

}  // namespace dvr::node_api
