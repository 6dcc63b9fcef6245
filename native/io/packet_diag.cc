#include "io/packet_diag.hpp"

#include <fcntl.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>

#include "io/netlink.hpp"
#include "io/netns.hpp"

namespace dvr {
namespace {

void add_listener(const nlmsghdr& message, std::vector<PacketSocket>& found) {
  const auto header = header_of<packet_diag_msg>(message);
  const auto info = attribute_of(message, sizeof header, PACKET_DIAG_INFO).as<packet_diag_info>();
  if (header.pdiag_num == 0 || (info.pdi_flags & PDI_RUNNING) == 0) return;
  found.push_back({info.pdi_index, header.pdiag_ino});
}

SystemError dump(int fd, std::vector<PacketSocket>& found) {
  packet_diag_req request{};
  request.sdiag_family = AF_PACKET;
  request.pdiag_show = PACKET_SHOW_INFO;
  return netlink_dump(fd, SOCK_DIAG_BY_FAMILY, request, "AF_PACKET diag",
                      [&](const nlmsghdr& message) { add_listener(message, found); });
}

Result<std::vector<PacketSocket>> sorted(std::vector<PacketSocket> found) {
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<PacketDiag> PacketDiag::open() {
  PacketDiag made;
  made.netns_ = Fd{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!made.netns_.is_open()) return failed("open", "/proc/thread-self/ns/net");
  auto diag = open_netlink(NETLINK_SOCK_DIAG);
  if (diag.ok()) made.diag_ = std::move(diag.value);
  return made;
}

Result<std::vector<PacketSocket>> PacketDiag::sockets() const {
  if (!diag_.is_open()) return sockets_of_proc();
  std::vector<PacketSocket> found;
  if (dump(diag_.number(), found)) return sockets_of_proc();
  return sorted(std::move(found));
}

// The columns of /proc/net/packet: sk RefCnt Type Proto Iface R Rmem User Inode.
Result<std::vector<PacketSocket>> PacketDiag::sockets_of_proc() const {
  const InsideNetns inside(netns_);
  if (inside.error()) return inside.error();
  FILE* file = std::fopen("/proc/thread-self/net/packet", "re");
  if (file == nullptr) return failed("open", "/proc/thread-self/net/packet");
  std::vector<PacketSocket> found;
  char line[256];
  unsigned protocol, ifindex, running, inode;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const int count =
        std::sscanf(line, "%*s %*s %*s %x %u %u %*s %*s %u", &protocol, &ifindex, &running, &inode);
    if (count == 4 && protocol != 0 && running != 0) found.push_back({ifindex, inode});
  }
  std::fclose(file);
  return sorted(std::move(found));
}

}  // namespace dvr
