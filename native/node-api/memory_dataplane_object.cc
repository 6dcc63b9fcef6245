#include "node-api/memory_dataplane_object.hpp"

#include <cstring>

#include "base/json.hpp"
#include "io/memory_port.hpp"
#include "node-api/convert.hpp"
#include "node-api/counters.hpp"
#include "pipeline/entry.hpp"
#include "pipeline/recorder.hpp"
#include "pipeline/runner.hpp"
#include "worker/deliver.hpp"

namespace dvr::node_api {
namespace {

Napi::Array from_sent(Napi::Env env, const MemoryPorts& ports) {
  auto out = Napi::Array::New(env);
  for (const MemoryPorts::Sent& sent : ports.sent()) {
    auto object = Napi::Object::New(env);
    object.Set("port", sent.port.value);
    if (sent.port == kTunnelPort) object.Set("vtep", text_of(sent.vtep));
    object.Set("frame", from_bytes(env, sent.frame));
    out.Set(out.Length(), object);
  }
  return out;
}

}  // namespace

Napi::Function MemoryDataplaneObject::define(Napi::Env env) {
  return DefineClass(env, "MemoryDataplane",
                     {
                         InstanceMethod<&MemoryDataplaneObject::apply>("apply"),
                         InstanceMethod<&MemoryDataplaneObject::run>("run"),
                     });
}

Napi::Value MemoryDataplaneObject::apply(const Napi::CallbackInfo& info) {
  const auto batch = to_bytes(info.Env(), info[0], "batch");
  if (!batch) return info.Env().Undefined();
  BatchResult result = apply_batch(*tables_, *batch);
  if (result.tables) tables_ = std::move(result.tables);
  return from_batch_result(info.Env(), result, tables_->generation);
}

Napi::Value MemoryDataplaneObject::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ObjectReader input(env, info[0], "input");
  Packet packet;
  packet.in_port.value = static_cast<uint16_t>(input.integer("inPort", kTunnelPort.value, kPortLimit - 1));
  if (input.has("vtep")) packet.outer.vtep = input.ip("vtep");
  if (input.has("outerTos")) packet.outer.tos = static_cast<uint8_t>(input.integer("outerTos", 0, 255));
  if (!input.ok()) return env.Undefined();
  const auto frame = to_bytes(env, input.value("frame"), "input.frame");
  if (!frame) return env.Undefined();
  if (frame->size() > kMaxFrameBytes) {
    Napi::RangeError::New(env, "input.frame must have at most 65550 bytes").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  // As large as a worker's buffer: a stage may make a frame longer (a neighbour advertisement's option).
  std::vector<uint8_t> buffer(kHeadroom + kMaxFrameBytes);
  if (!frame->empty()) std::memcpy(buffer.data() + kHeadroom, frame->data(), frame->size());
  packet.frame = std::span(buffer).subspan(kHeadroom, frame->size());
  packet.tailroom = kMaxFrameBytes - frame->size();

  Effects effects;
  Recorder recorder(passages_++);
  const StageId entry = entry_of(packet.in_port, *tables_);
  const StageId verdict = run_pipeline(entry, packet, *tables_, effects, recorder);
  MemoryPorts ports;
  deliver(verdict, packet, effects, ports);

  auto answer = Napi::Object::New(env);
  answer.Set("verdict", verdict == StageId::drop ? "drop" : "output");
  if (verdict == StageId::drop)
    answer.Set("dropReason", kDropReasons[static_cast<size_t>(packet.drop_reason)].name);
  answer.Set("out", from_sent(env, ports));
  const Napi::Value trace = from_json(env, trace_json(recorder.records(), 0));
  if (env.IsExceptionPending()) return env.Undefined();
  answer.Set("records", trace.As<Napi::Object>().Get("records"));
  return answer;
}

}  // namespace dvr::node_api
