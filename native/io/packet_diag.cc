#include "io/packet_diag.hpp"

#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "io/netns.hpp"

namespace dvr {
namespace {

constexpr size_t kAnswerBytes = 32768;  // what the kernel fills at most per read of a dump

SystemError ask_for_dump(int fd) {
  struct {
    nlmsghdr header{};
    packet_diag_req request{};
  } message;
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.request.sdiag_family = AF_PACKET;
  message.request.pdiag_show = PACKET_SHOW_INFO;
  if (send(fd, &message, sizeof message, 0) < 0) return failed("send(SOCK_DIAG_BY_FAMILY)", "");
  return {};
}

void add_listener(const nlmsghdr* header, std::vector<unsigned>& found) {
  const auto* message = static_cast<const packet_diag_msg*>(NLMSG_DATA(header));
  if (message->pdiag_num == 0) return;
  const auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  auto left = static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(sizeof *message));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != PACKET_DIAG_INFO) continue;
    packet_diag_info info;
    std::memcpy(&info, RTA_DATA(attribute), sizeof info);
    found.push_back(info.pdi_index);
  }
}

// False: the dump goes on in the next read.
bool read_part(const std::vector<char>& part, ssize_t bytes, std::vector<unsigned>& found,
               SystemError& error) {
  const auto* header = reinterpret_cast<const nlmsghdr*>(part.data());
  auto left = static_cast<unsigned>(bytes);
  for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
    if (header->nlmsg_type == NLMSG_DONE) return true;
    if (header->nlmsg_type == NLMSG_ERROR) {
      error = {-static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error, "SOCK_DIAG_BY_FAMILY", "AF_PACKET"};
      return true;
    }
    add_listener(header, found);
  }
  return false;
}

SystemError dump(int fd, std::vector<unsigned>& found) {
  if (auto error = ask_for_dump(fd)) return error;
  std::vector<char> part(kAnswerBytes);
  SystemError error;
  for (;;) {
    const ssize_t bytes = recv(fd, part.data(), part.size(), 0);
    if (bytes < 0) return failed("recv(SOCK_DIAG_BY_FAMILY)", "");
    if (read_part(part, bytes, found, error)) return error;
  }
}

// The columns of /proc/net/packet: sk RefCnt Type Proto Iface R Rmem User Inode.
SystemError read_proc(int diag_fd, std::vector<unsigned>& found) {
  const Fd netns{ioctl(diag_fd, SIOCGSKNS)};
  if (!netns.is_open()) return failed("ioctl(SIOCGSKNS)", "");
  const InsideNetns inside(netns);
  if (inside.error()) return inside.error();
  FILE* file = std::fopen("/proc/thread-self/net/packet", "re");
  if (file == nullptr) return failed("open", "/proc/thread-self/net/packet");
  char line[256];
  unsigned protocol, ifindex;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const int count = std::sscanf(line, "%*s %*s %*s %x %u", &protocol, &ifindex);
    if (count == 2 && protocol != 0) found.push_back(ifindex);
  }
  std::fclose(file);
  return {};
}

}  // namespace

Result<Fd> open_packet_diag() {
  Fd fd{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!fd.is_open()) return failed("socket(NETLINK_SOCK_DIAG)", "");
  return fd;
}

Result<std::vector<unsigned>> packet_sockets(int diag_fd) {
  std::vector<unsigned> found;
  SystemError error = dump(diag_fd, found);
  if (error.number == ENOENT || error.number == EINVAL) error = read_proc(diag_fd, found);
  if (error) return error;
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace dvr
