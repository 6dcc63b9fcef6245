// A port on a Linux device that others made: a NIC to the provider's wire, or the TAP of a VM. What the device
// receives comes here, beside what the node's own stack gets of it; what is written here the device sends.
//
// AF_PACKET with the virtio-net header in front of every frame (PACKET_VNET_HDR: its first 10 bytes), so that
// super-frames and unfinished checksums pass whole both ways, as with a TAP. The kernel takes an 802.1Q tag off
// before anybody sees the frame and tells it beside (PACKET_AUXDATA): it is put back. The device is promiscuous while
// the socket is open. packet(7), virtio 1.2 section 5.1.6.
#pragma once

#include <memory>

#include "io/device.hpp"
#include "io/port_io.hpp"
#include "io/system_error.hpp"

namespace dvr {

// ENODEV: there is no device of that name here; EMSGSIZE: its MTU is less than the spec's.
Result<std::unique_ptr<Device>> open_packet_port(const DeviceSpec& spec);

// Takes over the socket; it must be bound to the device it was opened on.
Result<std::unique_ptr<Device>> adopt_packet_port(const DeviceSpec& spec, std::vector<Fd> sockets, unsigned ifindex);

// The device is gone from this namespace; one that is only down is not.
bool is_packet_port_gone(int fd);

// As read_tap (tap.hpp).
ReadOutcome read_packet_port(int fd, std::span<uint8_t> slot, Packet& packet);

// Writes the frame as it is, with an 802.1Q tag where `vlan` is not 0.
WriteOutcome write_packet_port(int fd, const Packet& packet, uint16_t vlan);

}  // namespace dvr
