// What comes of reading a frame from a port's device, and of writing one to it; and the one way of writing a frame with
// a tag: the same for all kinds of devices.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "packet/packet.hpp"

namespace dvr {

enum class ReadOutcome : uint8_t { frame, empty, broken, gone };
enum class WriteOutcome : uint8_t { written, down, refused, over_mtu, gone };

// Writes the frame from where it lies, with an 802.1Q tag after the MACs where `vlan` is not 0 (IEEE 802.1Q section 9),
// behind the first `header_bytes` of its virtio-net header. Answers as writev(2); a frame without a whole Ethernet
// header is EINVAL.
ssize_t write_tagged(int fd, const Packet& packet, uint16_t vlan, size_t header_bytes);

}  // namespace dvr
