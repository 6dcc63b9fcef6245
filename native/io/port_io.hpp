// What comes of reading a frame from a port's device, and of writing one to it: the same for all kinds of devices.
#pragma once

#include <cstdint>
#include <span>

#include "packet/packet.hpp"

namespace dvr {

enum class ReadOutcome : uint8_t { frame, empty, broken, gone };
enum class WriteOutcome : uint8_t { written, down, refused, over_mtu, gone };

}  // namespace dvr
