// The seam: everything JS sees of the fast path. Its type is NativeAddon of src/dataplane/native.ts.
// Nothing here waits, and no thread of ours ever calls into JS: JS asks when it wants to know, or is called
// on Node's own loop (NamespaceWatch, NetfilterSocket).
#include <napi.h>

#include "base/clock.hpp"
#include "io/netns.hpp"
#include "io/process.hpp"
#include "io/send_frame.hpp"
#include "node-api/convert.hpp"
#include "node-api/dataplane_object.hpp"
#include "node-api/memory_dataplane_object.hpp"
#include "node-api/namespace_watch_object.hpp"
#include "node-api/netfilter_socket_object.hpp"
#include "pipeline/describe.hpp"

namespace dvr::node_api {
namespace {

Napi::Value describe(const Napi::CallbackInfo& info) { return from_json(info.Env(), describe_json()); }

// Sockets made by `body` belong to the namespace at `path` for good; the thread is back when this returns.
Napi::Value with_netns(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto path = to_string(env, info[0], "path");
  if (!path) return env.Undefined();
  if (!info[1].IsFunction()) {
    Napi::TypeError::New(env, "body must be a function").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const InsideNetns inside(*path);
  if (inside.error()) return throw_system_error(env, inside.error()), env.Undefined();
  return info[1].As<Napi::Function>().Call({});
}

Napi::Value answer_fd(Napi::Env env, Result<Fd> fd) {
  if (fd.ok()) return Napi::Number::New(env, fd.value.release());
  throw_system_error(env, fd.error);
  return env.Undefined();
}

Napi::Value duplicate_fd_of(const Napi::CallbackInfo& info) {
  const auto pid = to_integer(info.Env(), info[0], "pid", 1, INT32_MAX);
  if (!pid) return info.Env().Undefined();
  const auto fd = to_integer(info.Env(), info[1], "fd", 0, INT32_MAX);
  if (!fd) return info.Env().Undefined();
  return answer_fd(info.Env(), duplicate_fd(static_cast<int>(*pid), static_cast<int>(*fd)));
}

void close_fd(const Napi::CallbackInfo& info) {
  const auto number = to_integer(info.Env(), info[0], "fd", 0, INT32_MAX);
  if (number) const Fd closes_here{static_cast<int>(*number)};
}

void send_frame_by(const Napi::CallbackInfo& info) {
  const auto device = to_string(info.Env(), info[0], "device");
  if (!device) return;
  const auto frame = to_bytes(info.Env(), info[1], "frame");
  if (!frame) return;
  if (const auto error = send_frame(*device, *frame)) throw_system_error(info.Env(), error);
}

Napi::Value monotonic_ns(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(dvr::monotonic_ns()));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("describe", Napi::Function::New<describe>(env, "describe"));
  exports.Set("Dataplane", DataplaneObject::define(env));
  exports.Set("MemoryDataplane", MemoryDataplaneObject::define(env));
  exports.Set("NamespaceWatch", NamespaceWatchObject::define(env));
  exports.Set("NetfilterSocket", NetfilterSocketObject::define(env));
  exports.Set("withNetns", Napi::Function::New<with_netns>(env, "withNetns"));
  exports.Set("sendFrame", Napi::Function::New<send_frame_by>(env, "sendFrame"));
  exports.Set("duplicateFd", Napi::Function::New<duplicate_fd_of>(env, "duplicateFd"));
  exports.Set("closeFd", Napi::Function::New<close_fd>(env, "closeFd"));
  exports.Set("monotonicNs", Napi::Function::New<monotonic_ns>(env, "monotonicNs"));
  return exports;
}

}  // namespace

NODE_API_MODULE(dvr_native, initialize)

}  // namespace dvr::node_api
