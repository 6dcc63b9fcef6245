// What a VM may say, and every way to say it as somebody else.
#include "br-int/br_int.hpp"

#include <doctest/doctest.h>

#include "walk.hpp"

namespace dvr::test {
namespace {

const LocalNetwork& kRed = kCn1.red;  // on cn1: vm1 at port 16, r1 at port 20, vm3 remote

Bytes between(const Nic& from, const Nic& to) {
  return ethernet({.src = from.mac, .dst = to.mac}, ipv4({.src = from.ip, .dst = to.ip}));
}
Bytes from_vm1(const Layer& inner) { return ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, inner); }

// A node with more rows than cn1.
std::shared_ptr<const Tables> cn1_with(const Batch& changes) { return changes.on(*cn1()); }
// vm1's port without port security.
const std::shared_ptr<const Tables>& unsecured() {
  static const auto tables =
      cn1_with(Batch().put<PortRow>({kRed.vm_port}, {PortKind::vm, {1}, kVm1.mac, false}));
  return tables;
}

std::string spoof(const Bytes& frame, const Tables& tables = *cn1()) {
  return step(br_int::anti_spoof, tables, kRed.vm_port, frame, kRed.local_vlan);
}
// The two answers anti_spoof gives most.
const std::string kPasses = "arp_responder";
std::string dropped(const char* reason) { return std::string("drop ") + reason; }

Layer arp_from(const MacAddr& mac, const IpAddr& ip, uint16_t operation = 1) {
  return arp({.operation = operation, .sender_mac = mac, .sender_ip = ip, .target_ip = kVm3.ip});
}
Layer v6_from(const IpAddr& src, const Layer& inner) {
  return ipv6({.src = src, .dst = "ff02::1"_ip, .hop_limit = 255}, inner);
}

}  // namespace

TEST_CASE("a VM speaks with its own MAC and address") {
  CHECK(spoof(between(kVm1, kVm3)) == kPasses);
  CHECK(spoof(from_vm1(ipv6({.src = kVm1.ip6, .dst = kVm2.ip6}))) == kPasses);
  CHECK(spoof(from_vm1(ipv6({.src = kVm1.link_local, .dst = kVm3.link_local}))) == kPasses);
  CHECK(spoof(from_vm1({0x88cc, Bytes(9)})) == kPasses);  // no addresses: the MAC is all there is to check
}

TEST_CASE("another MAC is spoofed; a router's and a DVR MAC have their own reasons, on any port") {
  CHECK(spoof(between(kVm3, kVm1)) == dropped("spoofed_mac"));
  CHECK(spoof(between(kVm3, kVm1), *unsecured()) == kPasses);
  for (const Tables* tables : {cn1().get(), unsecured().get()}) {
    CHECK(spoof(between(kRedGateway, kVm3), *tables) == dropped("router_mac_from_vm"));
    CHECK(spoof(between(kOtherRouter, kVm3), *tables) == dropped("router_mac_from_vm"));
    CHECK(spoof(ethernet({kDvrMac1, kVm3.mac}, payload()), *tables) == dropped("dvr_mac_from_vm"));
    CHECK(spoof(ethernet({kDvrMac2, kVm3.mac}, payload()), *tables) == dropped("dvr_mac_from_vm"));
  }
}

TEST_CASE("another IPv4 or IPv6 source is spoofed") {
  CHECK(spoof(from_vm1(ipv4({.src = kVm3.ip, .dst = kVm2.ip}))) == dropped("spoofed_ip"));
  CHECK(spoof(from_vm1(ipv4({.src = kRedGateway.ip, .dst = kVm2.ip}))) == dropped("spoofed_ip"));
  CHECK(spoof(from_vm1(ipv6({.src = kVm3.ip6, .dst = kVm2.ip6}))) == dropped("spoofed_ip"));
  CHECK(spoof(from_vm1(ipv4({.src = kVm3.ip, .dst = kVm2.ip})), *unsecured()) == kPasses);
}

TEST_CASE("later fragments are checked like first ones") {
  CHECK(spoof(from_vm1(ipv4({.src = kVm1.ip, .dst = kVm2.ip, .fragment_offset = 10}))) == kPasses);
  CHECK(spoof(from_vm1(ipv4({.src = kVm3.ip, .dst = kVm2.ip, .fragment_offset = 10}))) ==
        dropped("spoofed_ip"));
  CHECK(spoof(from_vm1(v6_from(kVm3.ip6, fragment({.offset = 9}, payload())))) == dropped("spoofed_ip"));
}

TEST_CASE("RFC 2131 section 4.1: from 0.0.0.0 a VM may only ask a DHCP server") {
  const auto from_nobody = [](const Layer& inner, uint16_t offset = 0) {
    return from_vm1(
        ipv4({.src = "0.0.0.0"_ip, .dst = "255.255.255.255"_ip, .fragment_offset = offset}, inner));
  };
  CHECK(spoof(from_nobody(udp({.src_port = 68, .dst_port = 67}))) == kPasses);
  CHECK(spoof(from_nobody(udp({.src_port = 68, .dst_port = 68}))) == dropped("spoofed_ip"));
  CHECK(spoof(from_nobody(tcp({.src_port = 68, .dst_port = 67}))) == dropped("spoofed_ip"));
  CHECK(spoof(from_nobody(udp({.src_port = 68, .dst_port = 67}), 4)) == dropped("spoofed_ip"));
  CHECK(spoof(from_nobody({17, Bytes(7)})) == dropped("spoofed_ip"));
}

TEST_CASE("from the unspecified IPv6 address a VM may only send ICMPv6 (RFC 4862)") {
  CHECK(spoof(from_vm1(v6_from("::"_ip, neighbour_solicitation(kVm1.ip6)))) == kPasses);
  CHECK(spoof(from_vm1(v6_from("::"_ip, hop_by_hop(icmpv6(143, Bytes(20)))))) == kPasses);  // MLD report
  CHECK(spoof(from_vm1(v6_from("::"_ip, udp()))) == dropped("spoofed_ip"));
  CHECK(spoof(from_vm1(v6_from("::"_ip, tcp()))) == dropped("spoofed_ip"));
}

TEST_CASE("RFC 6890 section 2.2.3: the port's IPv4 address is no IPv6 source, mapped or not") {
  CHECK(spoof(from_vm1(v6_from(kVm1.ip, udp()))) == dropped("spoofed_ip"));
}

TEST_CASE("an ARP sender is one of the port's addresses, with that address's MAC") {
  CHECK(spoof(from_vm1(arp_from(kVm1.mac, kVm1.ip))) == kPasses);
  CHECK(spoof(from_vm1(arp_from(kVm1.mac, kVm1.ip, 2))) == kPasses);
  for (const uint16_t operation : {1, 2}) {
    CHECK(spoof(from_vm1(arp_from(kVm1.mac, kVm3.ip, operation))) == dropped("spoofed_arp"));
    CHECK(spoof(from_vm1(arp_from(kVm3.mac, kVm1.ip, operation))) == dropped("spoofed_arp"));
    CHECK(spoof(from_vm1(arp_from(kVm3.mac, kVm3.ip, operation))) == dropped("spoofed_arp"));
  }
  CHECK(spoof(from_vm1(arp_from(kVm1.mac, kVm3.ip)), *unsecured()) == kPasses);
  CHECK(spoof(first(from_vm1(arp_from(kVm1.mac, kVm1.ip)), 41)) == dropped("truncated"));
}

TEST_CASE("RFC 5227 section 2.1.1: a probe has no sender address, but its own MAC") {
  CHECK(spoof(from_vm1(arp_from(kVm1.mac, "0.0.0.0"_ip))) == kPasses);
  CHECK(spoof(from_vm1(arp_from(kVm3.mac, "0.0.0.0"_ip))) == dropped("spoofed_arp"));
}

TEST_CASE("an advertised neighbour is one of the port's addresses") {
  const auto advertise = [](const IpAddr& target) {
    return from_vm1(v6_from(kVm1.link_local, neighbour_advertisement(target, &kVm1.mac)));
  };
  CHECK(spoof(advertise(kVm1.ip6)) == kPasses);
  CHECK(spoof(advertise(kVm1.link_local)) == kPasses);
  CHECK(spoof(advertise(kVm3.ip6)) == dropped("spoofed_nd"));
  CHECK(spoof(advertise("::"_ip)) == dropped("spoofed_nd"));
  CHECK(spoof(advertise(kVm3.ip6), *unsecured()) == kPasses);
  CHECK(spoof(from_vm1(v6_from(kVm1.ip6, icmpv6(136, Bytes(4))))) == dropped("spoofed_nd"));  // no target
}

TEST_CASE("no VM claims a router's address, though a CIDR pair covers it or the port is unsecured") {
  const auto covered = cn1_with(Batch().put<AllowedSourceRow>({{16}, kVm1.mac, "10.1.0.0"_ip, 120})
                                    .put<AllowedSourceRow>({{16}, kVm1.mac, "2001:db8:1::"_ip, 64}));
  for (const Tables* tables : {covered.get(), unsecured().get()}) {
    CHECK(spoof(from_vm1(arp_from(kVm1.mac, kVm3.ip)), *tables) == kPasses);
    CHECK(spoof(from_vm1(arp_from(kVm1.mac, kRedGateway.ip)), *tables) == dropped("spoofed_arp"));
    CHECK(spoof(from_vm1(v6_from(kVm1.ip6, neighbour_advertisement(kRedGateway.ip6))), *tables) ==
          dropped("spoofed_nd"));
  }
}

TEST_CASE("RFC 6105: a VM's router advertisement is dropped on any port, also behind extension headers") {
  const Layer ra = router_advertisement();
  for (const Tables* tables : {cn1().get(), unsecured().get()})
    for (const Layer& packet : {ra, hop_by_hop(ra), destination_options(routing_header(ra)),
                                authentication_header(ra), fragment({.more = true}, ra),
                                fragment({}, destination_options(ra))})
      CHECK(spoof(from_vm1(v6_from(kVm1.link_local, packet)), *tables) ==
            dropped("router_advertisement_from_vm"));
}

TEST_CASE("RFC 7113: a first fragment or chain that hides its upper layer is dropped") {
  Layer deep = router_advertisement();
  for (int count = 0; count < 8; ++count) deep = destination_options(deep);
  CHECK(spoof(from_vm1(v6_from(kVm1.ip6, deep))) == dropped("hidden_header"));
  // The chain goes on in the second fragment.
  CHECK(spoof(from_vm1(v6_from(kVm1.ip6, fragment({.more = true}, {60, {58, 9, 1, 4, 0, 0, 0, 0}})))) ==
        dropped("hidden_header"));
  // The first fragment ends where the ICMPv6 header would begin.
  CHECK(spoof(from_vm1(v6_from(kVm1.ip6, fragment({.more = true}, destination_options({58, {}}))))) ==
        dropped("truncated"));
}

TEST_CASE("RFC 6980: fragmented neighbour discovery is dropped, fragmented echo is not") {
  const auto fragmented = [](const Layer& inner) {
    return from_vm1(v6_from(kVm1.ip6, fragment({.more = true}, inner)));
  };
  CHECK(spoof(fragmented(neighbour_solicitation(kVm3.ip6))) == dropped("hidden_header"));
  CHECK(spoof(fragmented(neighbour_advertisement(kVm1.ip6))) == dropped("hidden_header"));
  CHECK(spoof(fragmented(icmpv6(137, Bytes(36)))) == dropped("hidden_header"));
  CHECK(spoof(fragmented(echo_request())) == kPasses);
  CHECK(spoof(from_vm1(v6_from(kVm1.ip6, fragment({.offset = 3}, {58, Bytes(16)})))) == kPasses);
}

TEST_CASE("allowed pairs: an address with its own MAC, a CIDR, and ::/0 that is not about IPv4") {
  const auto tables = cn1_with(Batch().put<AllowedSourceRow>({{16}, kStranger.mac, {}, 128})
                                   .put<AllowedSourceRow>({{16}, kStranger.mac, kStranger.ip, 128})
                                   .put<AllowedSourceRow>({{16}, kVm1.mac, "10.7.0.0"_ip, 96 + 16})
                                   .put<AllowedSourceRow>({{16}, kVm1.mac, "2001:db8:7::"_ip, 52}));
  CHECK(spoof(between(kStranger, kVm3), *tables) == kPasses);
  CHECK(spoof(ethernet({kStranger.mac, kVm3.mac}, arp_from(kStranger.mac, kStranger.ip)), *tables) ==
        kPasses);
  CHECK(spoof(ethernet({kStranger.mac, kVm3.mac}, arp_from(kStranger.mac, kVm1.ip)), *tables) ==
        dropped("spoofed_arp"));
  CHECK(spoof(from_vm1(ipv4({.src = "10.7.255.1"_ip, .dst = kVm2.ip})), *tables) == kPasses);
  CHECK(spoof(from_vm1(ipv4({.src = "10.8.0.1"_ip, .dst = kVm2.ip})), *tables) == dropped("spoofed_ip"));
  CHECK(spoof(from_vm1(ipv6({.src = "2001:db8:7:fff::1"_ip, .dst = kVm2.ip6})), *tables) == kPasses);
  CHECK(spoof(from_vm1(ipv6({.src = "2001:db8:7:1000::1"_ip, .dst = kVm2.ip6})), *tables) ==
        dropped("spoofed_ip"));

  const auto any_v6 = cn1_with(Batch().put<AllowedSourceRow>({{16}, kVm1.mac, {}, 0}));
  CHECK(spoof(from_vm1(ipv6({.src = "2001:db8:f::1"_ip, .dst = kVm2.ip6})), *any_v6) == kPasses);
  CHECK(spoof(from_vm1(ipv4({.src = kVm3.ip, .dst = kVm2.ip})), *any_v6) == dropped("spoofed_ip"));
  const auto any_v4 = cn1_with(Batch().put<AllowedSourceRow>({{16}, kVm1.mac, "0.0.0.0"_ip, 96}));
  CHECK(spoof(from_vm1(ipv4({.src = kVm3.ip, .dst = kVm2.ip})), *any_v4) == kPasses);
  CHECK(spoof(from_vm1(ipv6({.src = kVm3.ip6, .dst = kVm2.ip6})), *any_v4) == dropped("spoofed_ip"));
}

TEST_CASE("one port's addresses are not another's") {
  CHECK(step(br_int::anti_spoof, *cn1(), kCn1.green.vm_port, between(kVm1, kVm3), {2}) ==
        dropped("spoofed_mac"));
}

TEST_CASE("a header that is cut short is dropped, and a port that went meanwhile too") {
  CHECK(spoof(first(between(kVm1, kVm3), 33)) == dropped("truncated"));
  CHECK(spoof(first(from_vm1(ipv6({.src = kVm1.ip6, .dst = kVm3.ip6})), 60)) == dropped("truncated"));
  CHECK(spoof(from_vm1(v6_from(kVm1.ip6, {58, {134}}))) == dropped("truncated"));
  CHECK(spoof(Bytes(5)) == dropped("truncated"));
  CHECK(step(br_int::anti_spoof, *cn1(), PortId{999}, between(kVm1, kVm3), {1}) == dropped("unknown_port"));
}

}  // namespace dvr::test
