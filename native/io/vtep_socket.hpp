// The VTEP socket: UDP port 4789 on the node's VTEP address, where every other node's VXLAN arrives.
// It is a device: it is handed over to the next dataplane, never opened beside it, because two sockets on
// one port would share the packets between two processes. Several workers share them on purpose: a socket each,
// and the kernel gives what comes from one address and port (so one inner flow) always to the same one.
// Sending is done by SourcePorts.
// Spec: RFC 7348 section 5; RFC 6040 (the received TOS byte is what vxlan_decap needs).
#pragma once

#include <memory>
#include <span>

#include "io/device.hpp"
#include "io/system_error.hpp"

namespace dvr {

inline constexpr uint16_t kVxlanPort = 4789;

Result<std::unique_ptr<Device>> open_vtep(const DeviceSpec& spec, const DeviceOptions& options = {});

// Takes over descriptors of the sockets; they must be bound to the address of the spec.
Result<std::unique_ptr<Device>> adopt_vtep(const DeviceSpec& spec, std::vector<Fd> sockets,
                                           const DeviceOptions& options = {});

struct Received {
  std::span<uint8_t> bytes;  // empty: nothing waits
  IpAddr vtep;               // who sent it
  uint8_t tos = 0;
  uint16_t gso_bytes = 0;    // UDP_GRO: several datagrams of this size, 0: one datagram
};

// One receive into `into` (64 KiB or more: a train is received whole).
Received receive_vxlan(int fd, std::span<uint8_t> into);

// Takes a pending asynchronous error off the socket, so that poll does not report it for ever.
void clear_socket_error(int fd);

}  // namespace dvr
