// Settings of a network device that only the kernel's configuration calls can make. Each works in the
// network namespace of the calling thread. Control side only.
#pragma once

#include <string>

#include "base/types.hpp"
#include "io/system_error.hpp"

namespace dvr {

// 0 if there is no such device here.
unsigned link_index(const std::string& ifname);
bool link_is_up(const std::string& ifname);
// Whether a link that is up has a carrier: of a TAP, whether somebody has it open.
bool link_has_carrier(const std::string& ifname);
// All zero if there is no such device here.
MacAddr link_mac(const std::string& ifname);

SystemError set_link_mac(const std::string& ifname, const MacAddr& mac);
// 0 if there is no such device here.
unsigned link_mtu(const std::string& ifname);
SystemError set_link_mtu(const std::string& ifname, unsigned mtu_bytes);
SystemError set_link_queue_length(const std::string& ifname, unsigned frames);
SystemError set_link_up_without_arp(const std::string& ifname);
// The largest super-frame the kernel builds for this device (IFLA_GSO_MAX_SIZE, IFLA_GSO_MAX_SEGS).
SystemError set_link_gso_limits(unsigned ifindex, unsigned max_bytes, unsigned max_segments);
// Best effort: a kernel without IPv6 has nothing to switch off.
void disable_link_ipv6(const std::string& ifname);

}  // namespace dvr
