// The class `MemoryDataplane` of the addon: one pipeline with memory ports and no threads, for walks and
// tests. It runs what the workers run; only what stands before and behind the pipeline is different.
#pragma once

#include <napi.h>

#include <memory>

#include "tables/tables.hpp"

namespace dvr::node_api {

class MemoryDataplaneObject : public Napi::ObjectWrap<MemoryDataplaneObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit MemoryDataplaneObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

 private:
  Napi::Value apply(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);

  std::unique_ptr<const Tables> tables_ = std::make_unique<const Tables>();
  uint32_t passages_ = 0;
};

}  // namespace dvr::node_api
