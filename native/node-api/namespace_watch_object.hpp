// The class `NamespaceWatch` of the addon: NamespaceWatch of src/dataplane/native.ts. What is heard of a
// namespace comes by Node's own loop, on its own thread: no thread of ours calls into JS.
#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>
#include <vector>

#include "io/namespace_watch.hpp"
#include "node-api/loop_poll.hpp"

namespace dvr::node_api {

class NamespaceWatchObject : public Napi::ObjectWrap<NamespaceWatchObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NamespaceWatchObject(const Napi::CallbackInfo& info);
  ~NamespaceWatchObject();

 private:
  Napi::Value packet_sockets(const Napi::CallbackInfo& info);
  Napi::Value facts(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  void listen(uv_loop_t* loop);
  void stop();
  void tell() const;
  bool is_open(Napi::Env env) const;

  std::unique_ptr<NamespaceWatch> watch_;  // null: closed
  std::vector<LoopPoll> polls_;
  Napi::FunctionReference heard_;
};

}  // namespace dvr::node_api
