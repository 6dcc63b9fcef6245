#include "node-api/namespace_watch_object.hpp"

#include "node-api/convert.hpp"

namespace dvr::node_api {
namespace {

constexpr uint32_t kMostProtocol = 255, kMostAskMs = 60'000;

template <class Item, class Convert>
Napi::Array from_list(Napi::Env env, const std::vector<Item>& items, Convert&& convert) {
  auto array = Napi::Array::New(env, items.size());
  for (uint32_t at = 0; at < items.size(); ++at) array.Set(at, convert(items[at]));
  return array;
}

Napi::Object from_facts(Napi::Env env, const NamespaceFacts& facts) {
  const auto object = [&] { return Napi::Object::New(env); };
  auto all = object();
  all.Set("links", from_list(env, facts.links, [&](const LinkFact& link) {
    auto one = object();
    one.Set("ifindex", link.ifindex);
    one.Set("name", link.name);
    one.Set("promiscuous", link.promiscuous);
    one.Set("xdp", link.xdp);
    return one;
  }));
  all.Set("qdiscs", from_list(env, facts.qdiscs, [&](const QdiscFact& qdisc) {
    auto one = object();
    one.Set("ifindex", qdisc.ifindex);
    one.Set("kind", qdisc.kind);
    one.Set("handle", qdisc.handle);
    return one;
  }));
  all.Set("rules", from_list(env, facts.rules, [&](const RuleFact& rule) {
    auto one = object();
    one.Set("family", rule.family == AF_INET6 ? 6 : 4);
    one.Set("priority", rule.priority);
    one.Set("protocol", rule.protocol);
    return one;
  }));
  all.Set("routes", from_list(env, facts.routes, [&](const RouteFact& route) {
    auto one = object();
    one.Set("destination", route.destination);
    one.Set("protocol", route.protocol);
    return one;
  }));
  all.Set("nftTables", from_list(env, facts.nft_tables, [&](const TableFact& table) {
    auto one = object();
    one.Set("family", table.family);
    one.Set("name", table.name);
    return one;
  }));
  all.Set("xtables", from_list(env, facts.xtables, [&](const std::string& name) {
    return Napi::String::New(env, name);
  }));
  return all;
}

}  // namespace

Napi::Function NamespaceWatchObject::define(Napi::Env env) {
  return DefineClass(env, "NamespaceWatch",
                     {
                         InstanceMethod<&NamespaceWatchObject::packet_sockets>("packetSockets"),
                         InstanceMethod<&NamespaceWatchObject::facts>("facts"),
                         InstanceMethod<&NamespaceWatchObject::close>("close"),
                     });
}

NamespaceWatchObject::NamespaceWatchObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  const auto path = to_string(env, info[0], "path");
  if (!path) return;
  const auto protocol = to_integer(env, info[1], "ownRouteProtocol", 0, kMostProtocol);
  if (!protocol) return;
  if (!info[2].IsFunction()) {
    Napi::TypeError::New(env, "heard must be a function").ThrowAsJavaScriptException();
    return;
  }
  const auto ask_ms = to_integer(env, info[3], "askMs", 1, kMostAskMs);
  if (!ask_ms) return;
  auto watch = NamespaceWatch::open(*path, *protocol, std::chrono::milliseconds(*ask_ms));
  if (!watch.ok()) {
    throw_system_error(env, watch.error);
    return;
  }
  heard_ = Napi::Persistent(info[2].As<Napi::Function>());
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return;
  watch_ = std::make_unique<NamespaceWatch>(std::move(watch.value));
  listen(loop);
}

NamespaceWatchObject::~NamespaceWatchObject() { stop(); }

void NamespaceWatchObject::listen(uv_loop_t* loop) {
  for (const int fd : watch_->event_fds())
    polls_.emplace_back(loop, fd, [this](int readable) {
      if (watch_->take_events(readable)) tell();
    });
}

// The callback may close this watch.
void NamespaceWatchObject::tell() const {
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  heard_.Value().MakeCallback(env.Global(), 0, nullptr);
  if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
}

Napi::Value NamespaceWatchObject::packet_sockets(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_open(env)) return env.Undefined();
  const auto found = watch_->packet_sockets();
  if (!found.ok()) return throw_system_error(env, found.error), env.Undefined();
  return from_list(env, found.value, [&](const PacketSocket& socket) {
    auto one = Napi::Object::New(env);
    one.Set("ifindex", socket.ifindex);
    one.Set("inode", socket.inode);
    return one;
  });
}

Napi::Value NamespaceWatchObject::facts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_open(env)) return env.Undefined();
  const auto facts = watch_->facts();
  if (!facts.ok()) return throw_system_error(env, facts.error), env.Undefined();
  return from_facts(env, facts.value);
}

void NamespaceWatchObject::close(const Napi::CallbackInfo&) { stop(); }

void NamespaceWatchObject::stop() {
  polls_.clear();
  watch_.reset();
}

bool NamespaceWatchObject::is_open(Napi::Env env) const {
  if (watch_ != nullptr) return true;
  Napi::Error::New(env, "the watch is closed").ThrowAsJavaScriptException();
  return false;
}

}  // namespace dvr::node_api
