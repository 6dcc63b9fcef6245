#include "node-api/dataplane_object.hpp"

#include <algorithm>
#include <cstring>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "io/process.hpp"
#include "node-api/convert.hpp"
#include "node-api/counters.hpp"
#include "tables/dump.hpp"

namespace dvr::node_api {
namespace {

constexpr uint32_t kMostPid = 4'194'304;  // PID_MAX_LIMIT of Linux
constexpr uint32_t kMostFd = INT32_MAX;
// What workers tell within so long is taken at once.
constexpr uint64_t kGatherMs = 50;

Napi::Value answer(Napi::Env env, const Result<const Device*>& result) {
  if (result.ok()) return from_device(env, *result.value);
  throw_system_error(env, result.error);
  return env.Undefined();
}

}  // namespace

Napi::Function DataplaneObject::define(Napi::Env env) {
  return DefineClass(env, "Dataplane",
                     {
                         InstanceMethod<&DataplaneObject::open_device>("openDevice"),
                         InstanceMethod<&DataplaneObject::adopt_devices>("adoptDevices"),
                         InstanceMethod<&DataplaneObject::reattach_device>("reattachDevice"),
                         InstanceMethod<&DataplaneObject::close_device>("closeDevice"),
                         InstanceMethod<&DataplaneObject::devices>("devices"),
                         InstanceMethod<&DataplaneObject::apply>("apply"),
                         InstanceMethod<&DataplaneObject::generation>("generation"),
                         InstanceMethod<&DataplaneObject::counters>("counters"),
                         InstanceMethod<&DataplaneObject::tables>("tables"),
                         InstanceMethod<&DataplaneObject::set_trace>("setTrace"),
                         InstanceMethod<&DataplaneObject::take_trace>("takeTrace"),
                         InstanceMethod<&DataplaneObject::inject>("inject"),
                         InstanceMethod<&DataplaneObject::take_events>("takeEvents"),
                         InstanceMethod<&DataplaneObject::set_mirrors>("setMirrors"),
                         InstanceMethod<&DataplaneObject::hold_gates>("holdGates"),
                         InstanceMethod<&DataplaneObject::close>("close"),
                     });
}

DataplaneObject::DataplaneObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const auto options = to_options(info.Env(), info[0], "options");
  if (!options) return;
  auto dataplane = std::make_unique<Dataplane>(*options);
  if (auto error = dataplane->start()) {
    throw_system_error(info.Env(), error);
    return;
  }
  dataplane_ = std::move(dataplane);
  // Threads must be joined before the environment goes, garbage-collected or not.
  napi_add_env_cleanup_hook(info.Env(), stop_at_exit, this);
  tell_of_events(info[1]);
}

DataplaneObject::~DataplaneObject() {
  if (!dataplane_) return;
  napi_remove_env_cleanup_hook(Env(), stop_at_exit, this);
  stop();
}

// Nothing is asked for until the bell rings: a dataplane at rest wakes nobody.
void DataplaneObject::tell_of_events(const Napi::Value& heard) {
  if (!heard.IsFunction()) return;
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(Env(), &loop) != napi_ok) return;
  heard_ = Napi::Persistent(heard.As<Napi::Function>());
  gathering_.emplace(loop, kGatherMs, [this] { gather(); });
  bell_.emplace(loop, dataplane_->events().fd(), [this](int) {
    dataplane_->events().hear();
    gathering_->start();
  });
}

// The callback may close this dataplane.
void DataplaneObject::gather() {
  if (dataplane_->reclaim()) gathering_->stop();
  if (!dataplane_->has_events()) return;
  const Napi::Env env = Env();
  const Napi::HandleScope scope(env);
  heard_.Value().MakeCallback(env.Global(), 0, nullptr);
  if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
}

void DataplaneObject::stop() {
  bell_.reset();
  gathering_.reset();
  dataplane_.reset();
}

void DataplaneObject::stop_at_exit(void* self) { static_cast<DataplaneObject*>(self)->stop(); }

bool DataplaneObject::is_open(Napi::Env env) const {
  if (dataplane_) return true;
  Napi::Error::New(env, "the dataplane is closed").ThrowAsJavaScriptException();
  return false;
}

Napi::Value DataplaneObject::open_device(const Napi::CallbackInfo& info) {
  const auto spec = to_spec(info.Env(), info[0], "spec");
  if (!spec || !is_open(info.Env())) return info.Env().Undefined();
  return answer(info.Env(), dataplane_->open(*spec));
}

// All of them are in place before any is read from. Those that cannot be taken over are left out.
Napi::Value DataplaneObject::adopt_devices(const Napi::CallbackInfo& info) {
  const auto pid = to_integer(info.Env(), info[0], "pid", 1, kMostPid);
  if (!pid || !is_open(info.Env())) return info.Env().Undefined();
  if (!info[1].IsArray()) {
    Napi::TypeError::New(info.Env(), "devices must be an array").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const auto devices = info[1].As<Napi::Array>();
  std::vector<std::string> names;
  dataplane_->hold();
  for (uint32_t at = 0; at < devices.Length() && !info.Env().IsExceptionPending(); ++at) {
    const auto adopted = adopt(info.Env(), *pid, devices.Get(at));
    if (adopted && adopted->ok()) names.push_back(adopted->value->spec.name);
  }
  dataplane_->release();
  if (info.Env().IsExceptionPending()) return info.Env().Undefined();
  auto taken = Napi::Array::New(info.Env());
  for (const Device* device : dataplane_->devices())
    if (std::find(names.begin(), names.end(), device->spec.name) != names.end())
      taken.Set(taken.Length(), from_device(info.Env(), *device));
  return taken;
}

// Nothing: an exception is pending.
std::optional<Result<const Device*>> DataplaneObject::adopt(Napi::Env env, uint32_t pid, Napi::Value value) {
  ObjectReader device(env, value, "device");
  const auto numbers = device.integers("fds", 0, kMostFd, kMaxWorkers);
  const uint32_t ifindex = device.integer("ifindex", 0, INT32_MAX);
  const uint32_t pinned_netns = device.has("pinnedNetns") ? device.integer("pinnedNetns", 0, UINT32_MAX) : 0;
  if (!device.ok()) return std::nullopt;
  const auto spec = to_spec(env, device.value("spec"), "device.spec");
  if (!spec) return std::nullopt;
  std::vector<Fd> queues;
  for (const uint32_t number : numbers) {
    auto fd = duplicate_fd(static_cast<int>(pid), static_cast<int>(number));
    if (!fd.ok()) return fd.error;
    queues.push_back(std::move(fd.value));
  }
  return dataplane_->adopt(*spec, std::move(queues), ifindex, pinned_netns);
}

Napi::Value DataplaneObject::reattach_device(const Napi::CallbackInfo& info) {
  const auto spec = to_spec(info.Env(), info[0], "spec");
  if (!spec || !is_open(info.Env())) return info.Env().Undefined();
  ObjectReader place(info.Env(), info[1], "place");
  const MovedTap moved{place.string("netns"), place.string("ifname"), place.mac("mac")};
  if (!place.ok()) return info.Env().Undefined();
  const auto device = dataplane_->reattach(*spec, moved);
  if (device.ok() && device.value == nullptr) return info.Env().Undefined();
  return answer(info.Env(), device);
}

void DataplaneObject::close_device(const Napi::CallbackInfo& info) {
  const auto name = to_string(info.Env(), info[0], "name");
  if (name && is_open(info.Env())) dataplane_->close_device(*name);
}

Napi::Value DataplaneObject::devices(const Napi::CallbackInfo& info) {
  auto all = Napi::Array::New(info.Env());
  if (!is_open(info.Env())) return all;
  for (const Device* device : dataplane_->devices()) all.Set(all.Length(), from_device(info.Env(), *device));
  return all;
}

Napi::Value DataplaneObject::apply(const Napi::CallbackInfo& info) {
  const auto batch = to_bytes(info.Env(), info[0], "batch");
  if (!batch || !is_open(info.Env())) return info.Env().Undefined();
  const BatchResult result = dataplane_->apply(*batch);
  return from_batch_result(info.Env(), result, dataplane_->tables().generation);
}

Napi::Value DataplaneObject::generation(const Napi::CallbackInfo& info) {
  if (!is_open(info.Env())) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), static_cast<double>(dataplane_->tables().generation));
}

Napi::Value DataplaneObject::counters(const Napi::CallbackInfo& info) {
  if (!is_open(info.Env())) return info.Env().Undefined();
  return from_totals(info.Env(), dataplane_->totals());
}

Napi::Value DataplaneObject::tables(const Napi::CallbackInfo& info) {
  if (!is_open(info.Env())) return info.Env().Undefined();
  return from_json(info.Env(), dump_json(dataplane_->tables()));
}

void DataplaneObject::set_trace(const Napi::CallbackInfo& info) {
  if (!is_open(info.Env())) return;
  if (info[0].IsNull()) return dataplane_->set_trace(std::nullopt);
  const auto bytes = to_bytes(info.Env(), info[0], "marker");
  if (!bytes) return;
  TraceMarker marker;
  if (bytes->size() != marker.size()) {
    Napi::RangeError::New(info.Env(), "marker must have 16 bytes").ThrowAsJavaScriptException();
    return;
  }
  std::memcpy(marker.data(), bytes->data(), marker.size());
  dataplane_->set_trace(marker);
}

Napi::Value DataplaneObject::take_trace(const Napi::CallbackInfo& info) {
  if (!is_open(info.Env())) return info.Env().Undefined();
  return from_json(info.Env(), dataplane_->take_trace());
}

void DataplaneObject::inject(const Napi::CallbackInfo& info) {
  const auto port = to_integer(info.Env(), info[0], "portId", kFirstFreePort, kPortLimit - 1);
  if (!port) return;
  const auto frame = to_bytes(info.Env(), info[1], "frame");
  if (!frame || !is_open(info.Env())) return;
  if (frame->size() > kMaxFrameBytes) {
    Napi::RangeError::New(info.Env(), "frame must have at most 65550 bytes").ThrowAsJavaScriptException();
    return;
  }
  const auto error = dataplane_->inject(PortId{static_cast<uint16_t>(*port)}, *frame);
  if (error) throw_system_error(info.Env(), error);
}

Napi::Value DataplaneObject::take_events(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto events = Napi::Array::New(env);
  if (!is_open(env)) return events;
  const auto add = [&](const char* name) {
    auto event = Napi::Object::New(env);
    event.Set("event", name);
    events.Set(events.Length(), event);
    return event;
  };
  dataplane_->take_events(
      [&](const Device& device) {
        auto event = add("device_gone");
        event.Set("name", device.spec.name);
        event.Set("portId", device.spec.port.value);
      },
      [&](const Learned& learned) {
        auto event = add("learned");
        event.Set("localVlan", learned.local_vlan.value);
        event.Set("mac", text_of(learned.mac));
        event.Set("vtep", text_of(learned.vtep));
      },
      [&](const Announced& announced) {
        auto event = add("announced");
        event.Set("portId", announced.port.value);
        event.Set("ip", text_of(announced.ip));
        event.Set("mac", text_of(announced.mac));
      });
  return events;
}

void DataplaneObject::set_mirrors(const Napi::CallbackInfo& info) {
  if (!info[0].IsBoolean() || !info[1].IsBoolean() || !info[2].IsBoolean()) {
    Napi::TypeError::New(info.Env(), "brInt, brTun and brEx must be booleans").ThrowAsJavaScriptException();
    return;
  }
  if (is_open(info.Env())) dataplane_->set_mirrors({info[0].ToBoolean(), info[1].ToBoolean(), info[2].ToBoolean()});
}

void DataplaneObject::hold_gates(const Napi::CallbackInfo& info) {
  const uint32_t count = info[0].IsArray() ? info[0].As<Napi::Array>().Length() : 0;
  if (!info[0].IsArray() || count > kMaxGates) {
    const std::string message = "gates must be an array of at most " + std::to_string(kMaxGates) + " gates";
    Napi::TypeError::New(info.Env(), message).ThrowAsJavaScriptException();
    return;
  }
  std::vector<GateHold> holds;
  const uint64_t now_ns = monotonic_ns();
  for (uint32_t at = 0; at < count; ++at) {
    auto hold = to_gate_hold(info.Env(), info[0].As<Napi::Array>().Get(at), now_ns);
    if (!hold) return;
    holds.push_back(std::move(*hold));
  }
  if (!is_open(info.Env())) return;
  if (auto error = dataplane_->hold_gates(holds)) throw_system_error(info.Env(), error);
}

void DataplaneObject::close(const Napi::CallbackInfo& info) {
  if (!dataplane_) return;
  napi_remove_env_cleanup_hook(info.Env(), stop_at_exit, this);
  stop();
}

}  // namespace dvr::node_api
