#include "node-api/netfilter_socket_object.hpp"

#include <sys/socket.h>

#include "io/netlink.hpp"
#include "io/netns.hpp"
#include "io/socket_buffers.hpp"
#include "node-api/convert.hpp"

namespace dvr::node_api {
namespace {

// The kernel gives an event at a time, and of a dump 32 KiB at most: a crossing of the seam takes many.
constexpr size_t kPartBytes = 32768, kTakeBytes = 4 * kPartBytes;
// Some 13 000 events that wait; what comes then is lost, and said so.
constexpr int kSocketBytes = 8 << 20;
constexpr uint32_t kMostGroup = 31, kMostGroups = 8;

Result<Fd> open_socket(const std::string& path, const std::vector<uint32_t>& groups) {
  const InsideNetns inside(path);
  if (inside.error()) return inside.error();
  auto opened = open_netlink(NETLINK_NETFILTER);
  if (!opened.ok()) return opened;
  const int fd = opened.value.number();
  set_receive_buffer(fd, kSocketBytes);
  // The answer to a message that failed names it by its number: it need not be repeated whole.
  const int on = 1;
  if (setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) < 0) return failed("setsockopt(NETLINK_CAP_ACK)", path);
  for (const uint32_t group : groups)
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
      return failed("setsockopt(NETLINK_ADD_MEMBERSHIP)", std::to_string(group));
  return opened;
}

std::optional<std::vector<uint32_t>> to_groups(Napi::Env env, Napi::Value value) {
  std::vector<uint32_t> groups;
  if (!value.IsArray() || value.As<Napi::Array>().Length() > kMostGroups) {
    Napi::TypeError::New(env, "groups must be an array of at most 8").ThrowAsJavaScriptException();
    return std::nullopt;
  }
  const auto array = value.As<Napi::Array>();
  for (uint32_t at = 0; at < array.Length(); ++at) {
    const auto group = to_integer(env, array.Get(at), "groups", 1, kMostGroup);
    if (!group) return std::nullopt;
    groups.push_back(*group);
  }
  return groups;
}

}  // namespace

Napi::Function NetfilterSocketObject::define(Napi::Env env) {
  return DefineClass(env, "NetfilterSocket",
                     {
                         InstanceMethod<&NetfilterSocketObject::send>("send"),
                         InstanceMethod<&NetfilterSocketObject::take>("take"),
                         InstanceMethod<&NetfilterSocketObject::close>("close"),
                     });
}

NetfilterSocketObject::NetfilterSocketObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  const auto path = to_string(env, info[0], "path");
  if (!path) return;
  const auto groups = to_groups(env, info[1]);
  if (!groups) return;
  if (!info[2].IsFunction()) {
    Napi::TypeError::New(env, "heard must be a function").ThrowAsJavaScriptException();
    return;
  }
  auto opened = open_socket(*path, *groups);
  if (!opened.ok()) {
    throw_system_error(env, opened.error);
    return;
  }
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return;
  fd_ = std::move(opened.value);
  heard_ = Napi::Persistent(info[2].As<Napi::Function>());
  buffer_.resize(kTakeBytes);
  poll_.emplace(loop, fd_.number(), [this](int) { tell(); });
}

void NetfilterSocketObject::send(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_open(env)) return;
  const auto messages = to_bytes(env, info[0], "messages");
  if (!messages) return;
  if (::send(fd_.number(), messages->data(), messages->size(), 0) < 0)
    throw_system_error(env, failed("send(netlink)", "netfilter"));
}

Napi::Value NetfilterSocketObject::take(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_open(env)) return env.Undefined();
  size_t taken = 0;
  while (!error_ && taken + kPartBytes <= buffer_.size()) {
    const ssize_t bytes = recv(fd_.number(), buffer_.data() + taken, buffer_.size() - taken, MSG_DONTWAIT);
    if (bytes < 0) {
      error_ = failed("recv(netlink)", "netfilter");
    } else {
      taken += static_cast<size_t>(bytes);
    }
  }
  // What came before the error is given first; the error waits for the next call.
  if (taken > 0) return from_bytes(env, {buffer_.data(), taken});
  const SystemError error = std::exchange(error_, {});
  if (error.number == EAGAIN) {
    poll_->resume();
  } else {
    throw_system_error(env, error);
  }
  return env.Undefined();
}

// The callback may close this socket.
void NetfilterSocketObject::tell() {
  poll_->pause();
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  heard_.Value().MakeCallback(env.Global(), 0, nullptr);
  if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
}

void NetfilterSocketObject::close(const Napi::CallbackInfo&) {
  poll_.reset();
  fd_ = Fd();
  heard_.Reset();
}

bool NetfilterSocketObject::is_open(Napi::Env env) const {
  if (fd_.is_open()) return true;
  Napi::Error::New(env, "the socket is closed").ThrowAsJavaScriptException();
  return false;
}

}  // namespace dvr::node_api
