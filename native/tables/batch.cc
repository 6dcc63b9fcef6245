#include "tables/batch.hpp"

#include <string_view>

#include "tables/derivation.hpp"

namespace dvr {
namespace {

// Reads packed little-endian fields; `ok` goes false at the first byte that is not there.
struct Reader {
  std::span<const uint8_t> rest;
  bool ok = true;

  void take(void* into, size_t bytes) {
    if (rest.size() < bytes) {
      ok = false;
      return;
    }
    std::memcpy(into, rest.data(), bytes);
    rest = rest.subspan(bytes);
  }
  void operator()(const char*, MacAddr& mac) { take(mac.bytes.data(), 6); }
  void operator()(const char*, IpAddr& ip) { take(ip.bytes.data(), 16); }
  void operator()(const char*, Vni& vni) { take(&vni.value, 4); }
  void operator()(const char*, LocalVlan& vlan) { take(&vlan.value, 2); }
  void operator()(const char*, PortId& port) { take(&port.value, 2); }
  void operator()(const char*, RouterId& router) { take(&router.value, 2); }
  void operator()(const char*, uint16_t& number) { take(&number, 2); }
  void operator()(const char*, PortKind& kind) { take(&kind, 1); }
  void operator()(const char*, bool& flag) {
    uint8_t byte = 0;
    take(&byte, 1);
    flag = byte != 0;
  }
};

// The second, independent check of what JS has already validated: ranges the stages rely on.
struct RangeCheck {
  const char* bad = nullptr;
  bool is_uplink = false;  // the port whose row is looked at: it is in no network of its own

  template <class T>
  void operator()(const char*, const T&) {}
  void operator()(const char* name, const LocalVlan& vlan) {
    need(vlan.value <= 4094 && (vlan.value == 0) == is_uplink, name);
  }
  void operator()(const char* name, const Vni& vni) { need(vni.value >= 1 && vni.value < (1u << 24), name); }
  // The fixed ports are no rows' business: one that named the tunnel would break split horizon.
  void operator()(const char* name, const PortId& port) {
    const bool none = port == kNoPort && std::string_view(name) == "namespace_port";
    need(none || (port.value >= kFirstFreePort && port.value < kPortLimit), name);
  }
  void operator()(const char* name, const RouterId& router) { need(router.value < kRouterLimit, name); }
  // A group address as a key would take every broadcast for one port's.
  void operator()(const char* name, const MacAddr& mac) { need(!mac.is_group(), name); }
  void operator()(const char* name, const uint16_t& number) {
    if (std::string_view(name) == "prefix_bits") need(number <= 128, name);
    if (std::string_view(name) == "vlan") need(number <= 4094, name);
  }
  void operator()(const char* name, const PortKind& kind) {
    need(port_kind_name(kind) != nullptr, name);
    is_uplink = kind == PortKind::uplink;
  }
  void need(bool holds, const char* name) {
    if (!holds && bad == nullptr) bad = name;
  }
};

enum : uint8_t { kPut = 1, kDelete = 2, kClear = 3 };

// The version before with the rows of the batch; what it does not touch stays shared.
class NextVersion {
 public:
  explicit NextVersion(const Tables& before)
      : next_(std::make_unique<Tables>(before)), derivation_(*next_) {}

  // Empty: done. Otherwise what is wrong.
  std::string run(uint8_t operation, uint8_t table, Reader& reader) {
    return run_on(operation, table, reader, std::make_index_sequence<std::tuple_size_v<AllRows>>());
  }

  std::unique_ptr<const Tables> finish(uint64_t generation) {
    next_->generation = generation;
    ++next_->version;
    derivation_.finish();
    return std::move(next_);
  }

 private:
  template <size_t... Index>
  std::string run_on(uint8_t operation, uint8_t table, Reader& reader, std::index_sequence<Index...>) {
    std::string error;
    const bool is_known =
        ((table == Index &&
          (error = run_row<std::tuple_element_t<Index, AllRows>>(operation, reader), true)) || ...);
    return is_known ? error : "no table has the number " + std::to_string(table);
  }

  template <class Row>
  std::string run_row(uint8_t operation, Reader& reader) {
    if (operation != kClear) return change<Row>(operation, reader);
    next_->of<Row>() = {};
    derivation_.cleared<Row>();
    return {};
  }

  template <class Row>
  std::string change(uint8_t operation, Reader& reader) {
    typename Row::Key key{};
    typename Row::Value value{};
    RangeCheck check;
    Row::Key::fields(key, reader);
    Row::Key::fields(key, check);
    if (operation == kPut) {
      Row::Value::fields(value, reader);
      Row::Value::fields(value, check);
    }
    if (!reader.ok) return in_table<Row>("the buffer ends inside a row");
    if (check.bad != nullptr) return in_table<Row>(std::string("field ") + check.bad + " is out of range");
    if (operation == kPut) return put<Row>(key, value);
    if (operation != kDelete)
      return in_table<Row>("operation " + std::to_string(operation) + " is unknown");
    const bool was_there = next_->of<Row>().erase(key);
    derivation_.changed<Row>(key, was_there, false);
    return {};
  }

  template <class Row>
  std::string put(const typename Row::Key& key, const typename Row::Value& value) {
    Table<Row>& table = next_->of<Row>();
    const size_t rows_before = table.size();
    if (table.put(key, value)) {
      derivation_.changed<Row>(key, table.size() == rows_before, true);
      return {};
    }
    return in_table<Row>(rows_before == Row::kLimit
                             ? "the table is full (" + std::to_string(Row::kLimit) + " rows)"
                             : "too many keys have nearly the same hash");
  }

  template <class Row>
  static std::string in_table(const std::string& what) {
    return what + " in table " + Row::kName;
  }

  std::unique_ptr<Tables> next_;
  Derivation derivation_;
};

BatchResult refused(uint32_t operation, const std::string& why) {
  return {nullptr, "operation " + std::to_string(operation) + ": " + why, operation};
}

}  // namespace

BatchResult apply_batch(const Tables& before, std::span<const uint8_t> batch) {
  if (batch.size() > kMaxBatchBytes) return refused(0, "the batch is larger than 64 MiB");
  if (batch.size() < kBatchHeaderBytes || std::memcmp(batch.data(), "DVRB\1\0\0\0", 8) != 0)
    return refused(0, "the buffer is no batch of version 1");
  uint64_t generation;
  std::memcpy(&generation, batch.data() + 8, 8);

  NextVersion next(before);
  Reader reader{batch.subspan(kBatchHeaderBytes)};
  uint32_t count = 0;
  for (; !reader.rest.empty(); ++count) {
    uint8_t head[2] = {};
    reader.take(head, 2);
    const std::string error =
        reader.ok ? next.run(head[0], head[1], reader) : "the buffer ends inside an operation";
    if (!error.empty()) return refused(count, error);
  }
  return {next.finish(generation), {}, count};
}

}  // namespace dvr
