#include "node-api/counters.hpp"

#include "pipeline/stage_names.hpp"

namespace dvr::node_api {
namespace {

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Object from_port(Napi::Env env, const PortTotals& port) {
  auto object = Napi::Object::New(env);
  object.Set("rxPackets", number(env, port.rx_packets));
  object.Set("rxBytes", number(env, port.rx_bytes));
  object.Set("txPackets", number(env, port.tx_packets));
  object.Set("txBytes", number(env, port.tx_bytes));
  return object;
}

}  // namespace

Napi::Object from_totals(Napi::Env env, const Totals& totals) {
  auto stages = Napi::Object::New(env), edges = Napi::Object::New(env);
  auto drops = Napi::Object::New(env), ports = Napi::Object::New(env);
  for (size_t stage = 0; stage < kStageCount; ++stage) {
    const std::string from = stage_name(static_cast<StageId>(stage));
    stages.Set(from, number(env, totals.stages[stage]));
    for (size_t next = 0; next < kEdgeTargets; ++next)
      if (const uint64_t count = totals.edges[stage][next])
        edges.Set(from + ">" + stage_name(static_cast<StageId>(next)), number(env, count));
  }
  for (size_t reason = 0; reason < kDropReasonCount; ++reason)
    drops.Set(kDropReasons[reason].name, number(env, totals.drops[reason]));
  for (const auto& [port, counts] : totals.ports) ports.Set(port.value, from_port(env, counts));

  auto engine = Napi::Object::New(env);
  for (size_t at = 0; at < kEngineCounterCount; ++at)
    engine.Set(kEngineCounters[at].name, number(env, totals.engine[at]));

  auto object = Napi::Object::New(env);
  object.Set("stages", stages);
  object.Set("edges", edges);
  object.Set("drops", drops);
  object.Set("ports", ports);
  object.Set("engine", engine);
  object.Set("eventsLost", number(env, totals.events_lost));
  return object;
}

Napi::Value from_batch_result(Napi::Env env, const BatchResult& result, uint64_t generation) {
  if (!result.error.empty()) {
    Napi::RangeError::New(env, "batch: " + result.error).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto object = Napi::Object::New(env);
  object.Set("operations", number(env, result.operations));
  object.Set("generation", number(env, generation));
  return object;
}

}  // namespace dvr::node_api
