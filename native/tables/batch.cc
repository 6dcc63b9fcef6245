#include "tables/batch.hpp"

#include <algorithm>
#include <string_view>

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

  template <class T>
  void operator()(const char*, const T&) {}
  void operator()(const char* name, const LocalVlan& vlan) { need(vlan.value >= 1 && vlan.value <= 4094, name); }
  void operator()(const char* name, const Vni& vni) { need(vni.value >= 1 && vni.value < (1u << 24), name); }
  // The fixed ports are no rows' business: one that named the tunnel would break split horizon.
  void operator()(const char* name, const PortId& port) {
    const bool none = port == kNoPort && std::string_view(name) == "namespace_port";
    need(none || (port.value >= kFirstFreePort && port.value < kPortLimit), name);
  }
  // A group address as a key would take every broadcast for one port's.
  void operator()(const char* name, const MacAddr& mac) { need(!mac.is_group(), name); }
  void operator()(const char* name, const uint16_t& number) {
    if (std::string_view(name) == "prefix_bits") need(number <= 128, name);
  }
  void operator()(const char* name, const PortKind& kind) {
    need(kind == PortKind::vm || kind == PortKind::router, name);
  }
  void need(bool holds, const char* name) {
    if (!holds && bad == nullptr) bad = name;
  }
};

enum : uint8_t { kPut = 1, kDelete = 2, kClear = 3 };

// One copy of each table that the batch touches; the others stay shared with the version before.
class NextVersion {
 public:
  explicit NextVersion(const Tables& before) : next_(std::make_unique<Tables>(before)) {}

  // Empty: done. Otherwise what is wrong.
  std::string run(uint8_t operation, uint8_t table, Reader& reader) {
    return run_on(operation, table, reader, std::make_index_sequence<std::tuple_size_v<AllRows>>());
  }

  std::unique_ptr<const Tables> finish(uint64_t generation) {
    next_->generation = generation;
    derive();
    return std::move(next_);
  }

 private:
  template <size_t... Index>
  std::string run_on(uint8_t operation, uint8_t table, Reader& reader, std::index_sequence<Index...>) {
    std::string error = "no table has the number " + std::to_string(table);
    (void)((table == Index &&
            (error = run_row<std::tuple_element_t<Index, AllRows>>(operation, reader), true)) || ...);
    return error;
  }

  template <class Row>
  Table<Row>& own() {
    auto& mine = std::get<std::shared_ptr<Table<Row>>>(copies_);
    if (!mine) {
      auto& shared = std::get<std::shared_ptr<const Table<Row>>>(next_->shared.all);
      mine = std::make_shared<Table<Row>>(*shared);
      shared = mine;
    }
    return *mine;
  }

  template <class Row>
  std::string run_row(uint8_t operation, Reader& reader) {
    const std::string where = std::string(" in table ") + Row::kName;
    if (operation == kClear) {
      own<Row>() = Table<Row>();
      return {};
    }
    typename Row::Key key{};
    typename Row::Value value{};
    RangeCheck check;
    Row::Key::fields(key, reader);
    Row::Key::fields(key, check);
    if (operation == kPut) {
      Row::Value::fields(value, reader);
      Row::Value::fields(value, check);
    }
    if (!reader.ok) return "the buffer ends inside a row" + where;
    if (check.bad != nullptr) return std::string("field ") + check.bad + " is out of range" + where;
    if (operation == kDelete) {
      own<Row>().erase(key);
    } else if (operation == kPut) {
      if (!own<Row>().put(key, value))
        return "the table is full (" + std::to_string(Row::kLimit) + " rows)" + where;
    } else {
      return "operation " + std::to_string(operation) + " is unknown" + where;
    }
    return {};
  }

  void derive() {
    Tables& next = *next_;
    next.ports_of.assign(4095, {});
    next.vm_ports_of.assign(4095, {});
    next.of<FloodRow>().for_each([&](const FloodRow::Key& key, const FloodRow::Value&) {
      const uint16_t local_vlan = key.local_vlan.value;
      next.ports_of[local_vlan].push_back(key.port);
      const auto* port = next.find<PortRow>({key.port});
      if (port != nullptr && port->kind == PortKind::vm) next.vm_ports_of[local_vlan].push_back(key.port);
    });
    next.vteps_of.assign(4095, {});
    next.of<FloodToTunRow>().for_each([&](const FloodToTunRow::Key& key, const FloodToTunRow::Value&) {
      next.vteps_of[key.local_vlan.value].push_back(key.vtep);
    });
    for (auto& ports : next.ports_of) std::sort(ports.begin(), ports.end());
    for (auto& ports : next.vm_ports_of) std::sort(ports.begin(), ports.end());
    for (auto& vteps : next.vteps_of) std::sort(vteps.begin(), vteps.end());

    next.own_dvr_mac = {};
    next.of<DvrMacRow>().for_each([&](const DvrMacRow::Key& key, const DvrMacRow::Value& value) {
      if (value.own) next.own_dvr_mac = key.mac;
    });

    auto& bits = next.allowed_prefix_bits;
    bits.clear();
    next.of<AllowedSourceRow>().for_each([&](const AllowedSourceRow::Key& key, const AllowedSourceRow::Value&) {
      if (std::find(bits.begin(), bits.end(), key.prefix_bits) == bits.end()) bits.push_back(key.prefix_bits);
    });
    std::sort(bits.rbegin(), bits.rend());
  }

  template <class Rows>
  struct Copies;
  template <class... Row>
  struct Copies<std::tuple<Row...>> {
    using type = std::tuple<std::shared_ptr<Table<Row>>...>;
  };

  std::unique_ptr<Tables> next_;
  Copies<AllRows>::type copies_;
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
    const std::string error = reader.ok ? next.run(head[0], head[1], reader) : "the buffer ends inside an operation";
    if (!error.empty()) return refused(count, error);
  }
  return {next.finish(generation), {}, count};
}

}  // namespace dvr
