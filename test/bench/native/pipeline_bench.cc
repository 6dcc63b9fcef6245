// Whole passages, as a worker runs them (counting, nobody looking on), by the stages and past them, and each stage alone.
#include <memory>

#include "bench.hpp"
#include "passages.hpp"
#include "pipeline/flow_cache.hpp"
#include "pipeline/stage_names.hpp"
#include "worker/policy.hpp"

namespace dvr::bench {
namespace {

// What a worker has around its pipeline.
struct Surroundings {
  std::unique_ptr<Counters> counters = std::make_unique<Counters>();
  FlowCache flows;
  Wiring wiring;
  Transmit transmit{*counters};
  Surroundings() { transmit.use(wiring); }
};

std::vector<Case> whole() {
  std::vector<Case> cases;
  for (const Passage& passage : passages()) {
    const auto packets = std::make_shared<Packets>(passage.frame, passage.as);
    const auto around = std::make_shared<Surroundings>();
    const auto run = [=, entry = passage.entry, &tables = passage.tables] {
      for (Packet& packet : packets->all()) {
        Effects effects;
        Counted counted{*around->counters, around->transmit};
        keep(run_pipeline(entry, packet, tables, effects, counted));
      }
    };
    cases.push_back({passage.name, kBatch, [=] { packets->put_back(); }, run});
  }
  return cases;
}

// The same while the flow cache knows the flow: all but the first packet ever.
std::vector<Case> known() {
  std::vector<Case> cases;
  for (const Passage& passage : passages()) {
    const auto packets = std::make_shared<Packets>(passage.frame, passage.as);
    const auto around = std::make_shared<Surroundings>();
    const auto run = [=, entry = passage.entry, &tables = passage.tables] {
      for (Packet& packet : packets->all()) {
        Effects effects;
        Counted counted{*around->counters, around->transmit};
        keep(around->flows.run(entry, packet, tables, effects, counted));
      }
      keep(around->flows.settle([&](StageId stage, StageId next, uint64_t count) {
        around->counters->passed(stage, next, count);
      }));
    };
    cases.push_back({std::string(passage.name) + ", flow known", kBatch, [=] { packets->put_back(); }, run});
  }
  return cases;
}

// Stops before a stage, to see what a packet is like there.
struct Before {
  StageId stage;
  Packet as;
  test::Bytes frame;
  void enter(StageId at, const Packet& packet, const Effects&) {
    if (at != stage) return;
    as = packet;
    frame.assign(packet.frame.begin(), packet.frame.end());
  }
  void leave(StageId, StageId, const Packet&, const Effects&) {}
  void leaves_bridge(Bridge, const Packet&) {}
};

struct Passed {
  std::vector<StageId> stages;
  void enter(StageId at, const Packet&, const Effects&) { stages.push_back(at); }
  void leave(StageId, StageId, const Packet&, const Effects&) {}
  void leaves_bridge(Bridge, const Packet&) {}
};

template <class Policy>
void run_once(const Passage& passage, Policy& policy) {
  test::Buffer buffer(passage.frame);
  Packet packet = passage.as;
  packet.frame = buffer.frame();
  Effects effects;
  run_pipeline(passage.entry, packet, passage.tables, effects, policy);
}

std::vector<Case> stages() {
  std::vector<Case> cases;
  for (const Passage& passage : passages()) {
    Passed passed;
    run_once(passage, passed);
    for (const StageId stage : passed.stages) {
      Before before{.stage = stage, .as = {}, .frame = {}};
      run_once(passage, before);
      const auto packets = std::make_shared<Packets>(before.frame, before.as);
      const StageFunction function = kPipeline[static_cast<size_t>(stage)].function;
      const auto run = [=, &tables = passage.tables] {
        for (Packet& packet : packets->all()) {
          Effects effects;
          keep(function(packet, tables, effects));
        }
      };
      const std::string name = std::string(stage_name(stage)) + " (" + passage.name + ")";
      cases.push_back({name, kBatch, [=] { packets->put_back(); }, run});
    }
  }
  return cases;
}

const Benches kWhole("pipeline", whole), kKnown("flow cache", known), kStages("stages", stages);

}  // namespace
}  // namespace dvr::bench
