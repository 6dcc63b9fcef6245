// Sends one Ethernet frame out of a device of the calling thread's namespace, as the device's own stack would:
// how the agent announces an address that no device has. Needs CAP_NET_RAW.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "io/system_error.hpp"

namespace dvr {

SystemError send_frame(const std::string& device, std::span<const uint8_t> frame);

}  // namespace dvr
