#include "io/link.hpp"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "io/fd.hpp"

namespace dvr {
namespace {

ifreq request_for(const std::string& ifname) {
  ifreq request{};
  ifname.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

SystemError ask(unsigned long what, const char* call, ifreq& request) {
  const Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket.is_open()) return failed("socket", request.ifr_name);
  if (ioctl(socket.number(), what, &request) < 0) return failed(call, request.ifr_name);
  return {};
}

}  // namespace

unsigned link_index(const std::string& ifname) {
  ifreq request = request_for(ifname);
  return ask(SIOCGIFINDEX, "ioctl(SIOCGIFINDEX)", request) ? 0 : static_cast<unsigned>(request.ifr_ifindex);
}

bool link_is_up(const std::string& ifname) {
  ifreq request = request_for(ifname);
  return !ask(SIOCGIFFLAGS, "ioctl(SIOCGIFFLAGS)", request) && (request.ifr_flags & IFF_UP) != 0;
}

// Asked of the driver, because IFF_RUNNING follows the carrier up to a second late.
bool link_has_carrier(const std::string& ifname) {
  ifreq request = request_for(ifname);
  ethtool_value link{ETHTOOL_GLINK, 0};
  request.ifr_data = reinterpret_cast<char*>(&link);
  return !ask(SIOCETHTOOL, "ioctl(ETHTOOL_GLINK)", request) && link.data != 0;
}

MacAddr link_mac(const std::string& ifname) {
  ifreq request = request_for(ifname);
  MacAddr mac;
  if (!ask(SIOCGIFHWADDR, "ioctl(SIOCGIFHWADDR)", request))
    std::memcpy(mac.bytes.data(), request.ifr_hwaddr.sa_data, mac.bytes.size());
  return mac;
}

SystemError set_link_mac(const std::string& ifname, const MacAddr& mac) {
  ifreq request = request_for(ifname);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
  return ask(SIOCSIFHWADDR, "ioctl(SIOCSIFHWADDR)", request);
}

unsigned link_mtu(const std::string& ifname) {
  ifreq request = request_for(ifname);
  return ask(SIOCGIFMTU, "ioctl(SIOCGIFMTU)", request) ? 0 : static_cast<unsigned>(request.ifr_mtu);
}

SystemError set_link_mtu(const std::string& ifname, unsigned mtu_bytes) {
  ifreq request = request_for(ifname);
  request.ifr_mtu = static_cast<int>(mtu_bytes);
  return ask(SIOCSIFMTU, "ioctl(SIOCSIFMTU)", request);
}

SystemError set_link_queue_length(const std::string& ifname, unsigned frames) {
  ifreq request = request_for(ifname);
  request.ifr_qlen = static_cast<int>(frames);
  return ask(SIOCSIFTXQLEN, "ioctl(SIOCSIFTXQLEN)", request);
}

SystemError set_link_up_without_arp(const std::string& ifname) {
  ifreq request = request_for(ifname);
  if (auto error = ask(SIOCGIFFLAGS, "ioctl(SIOCGIFFLAGS)", request)) return error;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_NOARP);
  return ask(SIOCSIFFLAGS, "ioctl(SIOCSIFFLAGS)", request);
}

SystemError set_link_gso_limits(unsigned ifindex, unsigned max_bytes, unsigned max_segments) {
  struct {
    nlmsghdr header{};
    ifinfomsg link{};
    rtattr size_attribute{};
    uint32_t max_bytes = 0;
    rtattr segments_attribute{};
    uint32_t max_segments = 0;
  } message;
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = RTM_NEWLINK;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  message.link.ifi_index = static_cast<int>(ifindex);
  message.size_attribute = {RTA_LENGTH(4), IFLA_GSO_MAX_SIZE};
  message.max_bytes = max_bytes;
  message.segments_attribute = {RTA_LENGTH(4), IFLA_GSO_MAX_SEGS};
  message.max_segments = max_segments;

  const Fd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!socket.is_open()) return failed("socket(NETLINK_ROUTE)", "");
  if (send(socket.number(), &message, sizeof message, 0) < 0) return failed("send(RTM_NEWLINK)", "");
  struct {
    nlmsghdr header;
    nlmsgerr answer;
    char rest[1024];
  } answer{};
  if (recv(socket.number(), &answer, sizeof answer, 0) < 0) return failed("recv(RTM_NEWLINK)", "");
  if (answer.answer.error != 0) return {-answer.answer.error, "RTM_NEWLINK(IFLA_GSO_MAX_SIZE)", ""};
  return {};
}

void disable_link_ipv6(const std::string& ifname) {
  const std::string path = "/proc/sys/net/ipv6/conf/" + ifname + "/disable_ipv6";
  const Fd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (file.is_open() && write(file.number(), "1", 1) != 1) return;
}

}  // namespace dvr
