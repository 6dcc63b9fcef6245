#include "io/send_frame.hpp"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include "io/fd.hpp"

namespace dvr {

SystemError send_frame(const std::string& device, std::span<const uint8_t> frame) {
  const unsigned ifindex = if_nametoindex(device.c_str());
  if (ifindex == 0) return failed("if_nametoindex", device);
  // Protocol 0: it hears nothing, so nobody takes it for a capture.
  const Fd socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return failed("socket", "AF_PACKET");
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(ifindex);
  const auto sent = sendto(socket.number(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  return sent < 0 ? failed("sendto", device) : SystemError{};
}

}  // namespace dvr
