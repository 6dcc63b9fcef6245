#include "pipeline/describe.hpp"

#include "base/drop_reason.hpp"
#include "base/engine_counter.hpp"
#include "base/json.hpp"
#include "pipeline/stage_names.hpp"
#include "tables/tables.hpp"

namespace dvr {
namespace {

void write_words(JsonWriter& json, const std::string& words) {
  json.open('[');
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find(' ', at), words.size());
    json.string(words.substr(at, end - at));
    at = end + 1;
  }
  json.close(']');
}

void write_stage(JsonWriter& json, const PipelineRow& row) {
  json.open('{').name("id").number(static_cast<uint64_t>(row.id)).name("name").string(row.name);
  json.name("bridge").string(bridge_name(row.bridge)).name("next").open('[');
  for (size_t id = 0; id <= static_cast<size_t>(StageId::drop); ++id)
    if (row.next >> id & 1) json.string(stage_name(static_cast<StageId>(id)));
  json.close(']').name("tables");
  write_words(json, row.tables);
  json.name("seedSteps");
  write_words(json, row.seed_steps);
  json.name("does").string(row.does).close('}');
}

// Names the type of each field it visits.
struct FieldWriter {
  JsonWriter& json;
  void operator()(const char* name, const MacAddr&) { write(name, "mac"); }
  void operator()(const char* name, const IpAddr&) { write(name, "ip"); }
  void operator()(const char* name, const Vni&) { write(name, "vni"); }
  void operator()(const char* name, const LocalVlan&) { write(name, "local_vlan"); }
  void operator()(const char* name, const PortId&) { write(name, "port"); }
  void operator()(const char* name, const RouterId&) { write(name, "router"); }
  void operator()(const char* name, const PortKind&) { write(name, "port_kind"); }
  void operator()(const char* name, const uint16_t&) { write(name, "u16"); }
  void operator()(const char* name, const bool&) { write(name, "bool"); }
  void write(const char* name, const char* type) {
    json.open('{').name("name").string(name).name("type").string(type).close('}');
  }
};

template <class Row>
void write_table(JsonWriter& json, size_t id) {
  const typename Row::Key key{};
  const typename Row::Value value{};
  FieldWriter fields{json};
  json.open('{').name("id").number(id).name("name").string(Row::kName).name("limit").number(Row::kLimit);
  json.name("key").open('[');
  Row::Key::fields(key, fields);
  json.close(']').name("value").open('[');
  Row::Value::fields(value, fields);
  json.close(']').close('}');
}

template <size_t... Index>
void write_tables(JsonWriter& json, std::index_sequence<Index...>) {
  (write_table<std::tuple_element_t<Index, AllRows>>(json, Index), ...);
}

}  // namespace

std::string describe_json() {
  JsonWriter json;
  json.open('{').name("stages").open('[');
  for (const PipelineRow& row : kPipeline) write_stage(json, row);
  json.close(']').name("tables").open('[');
  write_tables(json, std::make_index_sequence<std::tuple_size_v<AllRows>>());
  json.close(']').name("dropReasons").open('[');
  for (const DropReasonText& reason : kDropReasons) {
    json.open('{').name("name").string(reason.name).name("sentence").string(reason.sentence);
    json.name("hint").string(reason.hint).close('}');
  }
  json.close(']').name("engineCounters").open('[');
  for (const EngineCounterText& counter : kEngineCounters)
    json.open('{').name("name").string(counter.name).name("sentence").string(counter.sentence).close('}');
  return json.close(']').close('}').take();
}

}  // namespace dvr
