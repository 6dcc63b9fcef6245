// The seed's deployment as tables: what the agents of cn1 and cn2 would program, made through real batches.
//
//            cn1  172.16.0.11  fa:16:3f:11:11:11        cn2  172.16.0.12  fa:16:3f:22:22:22
//   red      local VLAN 1, vm1 port 16, r1 port 20      local VLAN 7, vm3 port 33, r1 port 40      VNI 101
//   green    local VLAN 2, vm4 port 17, r1 port 21      local VLAN 8, vm2 port 32, r1 port 41      VNI 102
//
// r1 is router 1 on both. Its namespace routes there; on cn1_fast and cn2_fast the fast path does.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <type_traits>

#include "builders.hpp"
#include "tables/batch.hpp"

namespace dvr::test {

// Encodes a batch the way src/dataplane/rows.ts does.
class Batch {
 public:
  explicit Batch(uint64_t generation = 1) {
    bytes_ = {'D', 'V', 'R', 'B', 1, 0, 0, 0};
    write(&generation, 8);
  }

  template <class Row>
  Batch& put(const typename Row::Key& key, const typename Row::Value& value = {}) {
    head<Row>(1);
    Row::Key::fields(key, *this);
    Row::Value::fields(value, *this);
    return *this;
  }
  template <class Row>
  Batch& erase(const typename Row::Key& key) {
    head<Row>(2);
    Row::Key::fields(key, *this);
    return *this;
  }
  template <class Row>
  Batch& clear() {
    return head<Row>(3);
  }
  Batch& raw(std::initializer_list<uint8_t> bytes) { return bytes_.insert(bytes_.end(), bytes), *this; }

  const Bytes& bytes() const { return bytes_; }
  // What the tables are after this batch; a batch that a test builder makes is never refused.
  std::shared_ptr<const Tables> on(const Tables& before) const {
    BatchResult result = apply_batch(before, bytes_);
    if (!result.tables) std::fprintf(stderr, "refused: %s\n", result.error.c_str()), std::abort();
    return std::move(result.tables);
  }
  std::shared_ptr<const Tables> on_nothing() const { return on(Tables()); }

  template <class T>
  void operator()(const char*, const T& field) {
    static_assert(std::is_trivially_copyable_v<T>);
    write(&field, sizeof field);  // every field type is packed already: 1, 2, 4, 6 or 16 bytes
  }

 private:
  template <class Row, size_t Index = 0>
  static constexpr uint8_t number_of() {
    if constexpr (std::is_same_v<std::tuple_element_t<Index, AllRows>, Row>)
      return Index;
    else
      return number_of<Row, Index + 1>();
  }
  template <class Row>
  Batch& head(uint8_t operation) {
    return raw({operation, number_of<Row>()});
  }
  void write(const void* from, size_t bytes) {
    const auto* at = static_cast<const uint8_t*>(from);
    bytes_.insert(bytes_.end(), at, at + bytes);
  }
  Bytes bytes_;
};

struct Nic {
  MacAddr mac;
  IpAddr ip, ip6, link_local;
};
inline const Nic kVm1{"fa:16:3e:00:01:11"_mac, "10.1.0.11"_ip, "2001:db8:1::11"_ip, "fe80::111"_ip};
inline const Nic kVm2{"fa:16:3e:00:02:12"_mac, "10.2.0.12"_ip, "2001:db8:2::12"_ip, "fe80::212"_ip};
inline const Nic kVm3{"fa:16:3e:00:01:13"_mac, "10.1.0.13"_ip, "2001:db8:1::13"_ip, "fe80::113"_ip};
inline const Nic kVm4{"fa:16:3e:00:02:14"_mac, "10.2.0.14"_ip, "2001:db8:2::14"_ip, "fe80::214"_ip};
inline const Nic kRedGateway{"fa:16:3e:00:01:01"_mac, "10.1.0.1"_ip, "2001:db8:1::1"_ip, "fe80::101"_ip};
inline const Nic kGreenGateway{"fa:16:3e:00:02:01"_mac, "10.2.0.1"_ip, "2001:db8:2::1"_ip, "fe80::201"_ip};
// A second router of red that has no copy on either node.
inline const Nic kOtherRouter{"fa:16:3e:00:01:02"_mac, "10.1.0.2"_ip, "2001:db8:1::2"_ip, "fe80::102"_ip};
inline const Nic kStranger{"02:00:00:00:00:99"_mac, "10.1.0.99"_ip, "2001:db8:1::99"_ip, "fe80::99"_ip};

inline const MacAddr kDvrMac1 = "fa:16:3f:11:11:11"_mac;
inline const MacAddr kDvrMac2 = "fa:16:3f:22:22:22"_mac;
inline const IpAddr kVtep1 = "172.16.0.11"_ip;
inline const IpAddr kVtep2 = "172.16.0.12"_ip;
inline const IpAddr kLeaf = "172.16.0.99"_ip;  // an interop VTEP with ports of red

inline constexpr uint32_t kRedVni = 101, kGreenVni = 102;
inline constexpr uint16_t kMtuBytes = 1500;

// One network as one node has it.
struct LocalNetwork {
  LocalVlan local_vlan;
  uint32_t vni;
  Nic gateway;
  PortId router_port;
  Nic local_vm;
  PortId vm_port;
  Nic remote_vm;
};

inline constexpr RouterId kR1{1};

struct Node {
  MacAddr dvr_mac, peer_dvr_mac;
  IpAddr vtep, peer_vtep;
  LocalNetwork red, green;
};
inline const Node kCn1{kDvrMac1, kDvrMac2, kVtep1, kVtep2,
                       {{1}, kRedVni, kRedGateway, {20}, kVm1, {16}, kVm3},
                       {{2}, kGreenVni, kGreenGateway, {21}, kVm4, {17}, kVm2}};
inline const Node kCn2{kDvrMac2, kDvrMac1, kVtep2, kVtep1,
                       {{7}, kRedVni, kRedGateway, {40}, kVm3, {33}, kVm1},
                       {{8}, kGreenVni, kGreenGateway, {41}, kVm2, {32}, kVm4}};

inline void allow_source(Batch& batch, PortId port, const Nic& nic) {
  batch.put<AllowedSourceRow>({port, nic.mac, {}, 128});
  for (const IpAddr& ip : {nic.ip, nic.ip6, nic.link_local})
    batch.put<AllowedSourceRow>({port, nic.mac, ip, 128});
}

inline void answer_for(Batch& batch, LocalVlan local_vlan, const Nic& nic, bool router) {
  for (const IpAddr& ip : {nic.ip, nic.ip6, nic.link_local})
    batch.put<NeighbourRow>({local_vlan, ip}, {nic.mac, router});
}

// What r1's interface in the network gives it: the subnets, and what is for the router itself in them.
inline void put_routes(Batch& batch, const LocalNetwork& net) {
  const RoutesRow::Value connected{net.local_vlan, net.gateway.mac, {}, false};
  const RoutesRow::Value own{net.local_vlan, net.gateway.mac, {}, true};
  const auto& subnet = net.gateway.ip.bytes;
  batch.put<RoutesRow>({kR1, 120, IpAddr::v4(subnet[12], subnet[13], subnet[14], 0)}, connected);
  batch.put<RoutesRow>({kR1, 128, IpAddr::v4(subnet[12], subnet[13], subnet[14], 255)}, own);
  IpAddr subnet6 = net.gateway.ip6;
  subnet6.bytes[15] = 0;
  batch.put<RoutesRow>({kR1, 64, subnet6}, connected).put<RoutesRow>({kR1, 128, subnet6}, own);
  for (const IpAddr& ip : {net.gateway.ip, net.gateway.ip6}) batch.put<RoutesRow>({kR1, 128, ip}, own);
}

inline void put_network(Batch& batch, const Node& node, const LocalNetwork& net) {
  const LocalVlan vlan = net.local_vlan;
  batch.put<NetworkRow>({vlan}, {{net.vni}, kMtuBytes}).put<TunToLvRow>({{net.vni}}, {vlan});
  batch.put<PortRow>({net.vm_port}, {PortKind::vm, vlan, net.local_vm.mac, true});
  batch.put<PortRow>({net.router_port}, {PortKind::router, vlan, net.gateway.mac, true});
  allow_source(batch, net.vm_port, net.local_vm);
  batch.put<DvrToSrcMacRow>({vlan, net.local_vm.mac, {}}, {net.gateway.mac, net.vm_port});
  batch.put<RouterMacRow>({vlan, net.gateway.mac}, {net.router_port, {}});
  put_routes(batch, net);
  batch.put<SwitchRow>({vlan, net.local_vm.mac}, {net.vm_port});
  batch.put<FloodRow>({vlan, net.vm_port}).put<FloodRow>({vlan, net.router_port});
  batch.put<UcastToTunRow>({vlan, net.remote_vm.mac}, {node.peer_vtep, false, false});
  batch.put<FloodToTunRow>({vlan, node.peer_vtep});
  answer_for(batch, vlan, net.gateway, true);
  answer_for(batch, vlan, net.local_vm, false);
  answer_for(batch, vlan, net.remote_vm, false);
}

inline Batch batch_of(const Node& node) {
  Batch batch;
  batch.put<VtepRow>({node.peer_vtep}, {false}).put<VtepRow>({kLeaf}, {true});
  batch.put<DvrMacRow>({node.dvr_mac}, {true, node.vtep})
      .put<DvrMacRow>({node.peer_dvr_mac}, {false, node.peer_vtep});
  put_network(batch, node, node.red);
  put_network(batch, node, node.green);
  batch.put<RouterMacRow>({node.red.local_vlan, kOtherRouter.mac}, {kNoPort, {}});
  batch.put<FloodToTunRow>({node.red.local_vlan, kLeaf});
  return batch;
}

// The node's batch once more, with r1's traffic routed in the fast path.
inline Batch fast_batch_of(const Node& node) {
  Batch batch = batch_of(node);
  for (const LocalNetwork& net : {node.red, node.green})
    batch.put<RouterMacRow>({net.local_vlan, net.gateway.mac}, {net.router_port, kR1});
  return batch;
}

// The node's tables once more, with red's prefix advertised, and another one that DHCPv6 serves.
inline std::shared_ptr<const Tables> advertising(const Node& node) {
  const LocalVlan red = node.red.local_vlan;
  Batch batch = batch_of(node);
  batch.put<RaResponderRow>({red, 0}, {kRedGateway.mac, "2001:db8:1::"_ip, 64, true, false});
  batch.put<RaResponderRow>({red, 1}, {kRedGateway.mac, "2001:db8:1:1::"_ip, 80, false, true});
  return batch.on_nothing();
}

inline const std::shared_ptr<const Tables>& cn1() {
  static const std::shared_ptr<const Tables> tables = batch_of(kCn1).on_nothing();
  return tables;
}
inline const std::shared_ptr<const Tables>& cn2() {
  static const std::shared_ptr<const Tables> tables = batch_of(kCn2).on_nothing();
  return tables;
}

// cn1 with two external networks on one wire: ext untagged (local VLAN 3), ext2 with provider VLAN 100 (local VLAN 4).
struct ExternalPort {
  PortId port;
  MacAddr mac;
};
inline constexpr PortId kUplink{50};
inline const ExternalPort kQg{{51}, "fa:16:3e:00:03:51"_mac}, kFg{{52}, "fa:16:3e:00:03:52"_mac};
inline const ExternalPort kFg2{{53}, "fa:16:3e:00:04:53"_mac};
inline const Nic kOutside{"02:00:00:00:03:10"_mac, "203.0.113.10"_ip, "2001:db8:ffff::10"_ip, "fe80::310"_ip};
inline constexpr LocalVlan kExt{3}, kExt2{4};
inline constexpr uint16_t kExt2Vlan = 100;

inline void put_external(Batch& batch, LocalVlan network, uint16_t provider_vlan,
                         std::initializer_list<ExternalPort> ports) {
  batch.put<ProviderInRow>({kUplink, provider_vlan}, {network}).put<ProviderOutRow>({network}, {kUplink, provider_vlan});
  for (const auto& [port, mac] : ports) {
    batch.put<PortRow>({port}, {PortKind::external, network, mac, false});
    batch.put<ExSwitchRow>({network, mac}, {port}).put<ExFloodRow>({network, port});
  }
}

inline const std::shared_ptr<const Tables>& cn1_outside() {
  static const std::shared_ptr<const Tables> tables = [] {
    Batch batch;
    batch.put<PortRow>({kUplink}, {PortKind::uplink, {}, {}, false});
    put_external(batch, kExt, 0, {kQg, kFg});
    put_external(batch, kExt2, kExt2Vlan, {kFg2});
    return batch.on(*cn1());
  }();
  return tables;
}

inline const std::shared_ptr<const Tables>& cn1_fast() {
  static const std::shared_ptr<const Tables> tables = fast_batch_of(kCn1).on_nothing();
  return tables;
}
inline const std::shared_ptr<const Tables>& cn2_fast() {
  static const std::shared_ptr<const Tables> tables = fast_batch_of(kCn2).on_nothing();
  return tables;
}

}  // namespace dvr::test
