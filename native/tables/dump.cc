#include "tables/dump.hpp"

#include "base/json.hpp"

namespace dvr {
namespace {

struct ValueWriter {
  JsonWriter& json;
  void operator()(const char* name, const MacAddr& mac) { json.name(name).string(text_of(mac)); }
  void operator()(const char* name, const IpAddr& ip) { json.name(name).string(text_of(ip)); }
  void operator()(const char* name, const Vni& vni) { json.name(name).number(vni.value); }
  void operator()(const char* name, const LocalVlan& vlan) { json.name(name).number(vlan.value); }
  void operator()(const char* name, const PortId& port) { json.name(name).number(port.value); }
  void operator()(const char* name, const RouterId& router) { json.name(name).number(router.value); }
  void operator()(const char* name, const PortKind& kind) {
    json.name(name).string(port_kind_name(kind));
  }
  void operator()(const char* name, const uint16_t& number) { json.name(name).number(number); }
  void operator()(const char* name, const bool& flag) { json.name(name).boolean(flag); }
};

template <class Row>
void write_table(JsonWriter& json, const Tables& tables) {
  ValueWriter values{json};
  json.open('{').name("table").string(Row::kName).name("rows").open('[');
  tables.of<Row>().for_each([&](const typename Row::Key& key, const typename Row::Value& value) {
    json.open('{');
    Row::Key::fields(key, values);
    Row::Value::fields(value, values);
    json.close('}');
  });
  json.close(']').close('}');
}

template <class... Row>
void write_all(JsonWriter& json, const Tables& tables, std::tuple<Row...>*) {
  (write_table<Row>(json, tables), ...);
}

}  // namespace

std::string dump_json(const Tables& tables) {
  JsonWriter json;
  json.open('[');
  write_all(json, tables, static_cast<AllRows*>(nullptr));
  return json.close(']').take();
}

}  // namespace dvr
