// The class `Dataplane` of the addon: NativeDataplane of src/dataplane/native.ts. Each method checks its
// arguments, makes one call into worker/dataplane.hpp, and turns the answer into JS values.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "node-api/loop_poll.hpp"
#include "node-api/loop_timer.hpp"
#include "worker/dataplane.hpp"

namespace dvr::node_api {

class DataplaneObject : public Napi::ObjectWrap<DataplaneObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit DataplaneObject(const Napi::CallbackInfo& info);
  ~DataplaneObject();

 private:
  Napi::Value open_device(const Napi::CallbackInfo& info);
  Napi::Value adopt_devices(const Napi::CallbackInfo& info);
  Napi::Value reattach_device(const Napi::CallbackInfo& info);
  void close_device(const Napi::CallbackInfo& info);
  Napi::Value devices(const Napi::CallbackInfo& info);
  Napi::Value apply(const Napi::CallbackInfo& info);
  Napi::Value generation(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value tables(const Napi::CallbackInfo& info);
  void set_trace(const Napi::CallbackInfo& info);
  Napi::Value take_trace(const Napi::CallbackInfo& info);
  void inject(const Napi::CallbackInfo& info);
  Napi::Value take_events(const Napi::CallbackInfo& info);
  void set_mirrors(const Napi::CallbackInfo& info);
  void hold_gates(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::optional<Result<const Device*>> adopt(Napi::Env env, uint32_t pid, Napi::Value value);
  bool is_open(Napi::Env env) const;
  void tell_of_events(const Napi::Value& heard);
  void gather();
  void stop();
  static void stop_at_exit(void* self);

  std::unique_ptr<Dataplane> dataplane_;  // null: closed
  Napi::FunctionReference heard_;         // empty: nobody wants to be told of events
  std::optional<LoopPoll> bell_;          // of the dataplane's events
  std::optional<LoopTimer> gathering_;    // from the bell until there is no more to do
};

}  // namespace dvr::node_api
