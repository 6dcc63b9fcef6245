#include "io/source_ports.hpp"

#include <linux/udp.h>
#include <sys/random.h>

#include "base/json.hpp"
#include "io/socket_address.hpp"
#include "io/vtep_socket.hpp"

namespace dvr {
namespace {

constexpr uint16_t kFirstPort = 49152;
constexpr unsigned kPortCount = 65536 - kFirstPort;
// Each try finds a free port with a chance near one; more failures than this are no accident.
constexpr int kBindTries = 64;
constexpr int kSendBufferBytes = 4 << 20;
constexpr int kTtl = 64;

uint16_t random_port() {
  uint16_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) return kFirstPort;
  return static_cast<uint16_t>(kFirstPort + number % kPortCount);
}

SystemError bind_to_random_port(int fd, const IpAddr& ip) {
  for (int tries = 1;; ++tries) {
    const SocketAddress address = socket_address(ip, random_port());
    if (bind(fd, address.get(), address.bytes) == 0) return {};
    if (errno != EADDRINUSE || tries == kBindTries) return failed("bind", text_of(ip));
  }
}

SystemError set(int fd, int level, int option, int value, const char* call) {
  return setsockopt(fd, level, option, &value, sizeof value) < 0 ? failed(call, "") : SystemError{};
}

SystemError set_up(int fd, bool v4) {
  // FORCE passes the machine's limit and needs CAP_NET_ADMIN; without it the limit is what there is.
  if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, kSendBufferBytes, ""))
    set(fd, SOL_SOCKET, SO_SNDBUF, kSendBufferBytes, "");
  if (!v4) {
    if (auto error = set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, kTtl, "setsockopt(IPV6_UNICAST_HOPS)"))
      return error;
    return set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, "setsockopt(IPV6_MTU_DISCOVER)");
  }
  if (auto error = set(fd, IPPROTO_IP, IP_TTL, kTtl, "setsockopt(IP_TTL)")) return error;
  return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "setsockopt(IP_MTU_DISCOVER)");
}

template <class T>
void put_control(msghdr& message, cmsghdr*& at, int level, int type, T value) {
  at->cmsg_level = level;
  at->cmsg_type = type;
  at->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(at), &value, sizeof value);
  message.msg_controllen += CMSG_SPACE(sizeof value);
  at = reinterpret_cast<cmsghdr*>(reinterpret_cast<char*>(at) + CMSG_SPACE(sizeof value));
}

}  // namespace

Result<std::shared_ptr<SourcePorts>> SourcePorts::open(const IpAddr& vtep_ip) {
  auto pool = std::make_shared<SourcePorts>();
  pool->v4_ = vtep_ip.is_v4();
  for (Fd& fd : pool->sockets_) {
    fd = Fd{socket(pool->v4_ ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd.is_open()) return failed("socket", "source port");
    if (auto error = set_up(fd.number(), pool->v4_)) return error;
    if (auto error = bind_to_random_port(fd.number(), vtep_ip)) return error;
  }
  // Asked with the value that changes nothing; the size comes with each train.
  pool->can_segment_ = !set(pool->sockets_[0].number(), IPPROTO_UDP, UDP_SEGMENT, 0, "");
  return pool;
}

int SourcePorts::send(const Outer& to, const Train& train) const {
  if (to.vtep.is_v4() != v4_) return EAFNOSUPPORT;
  SocketAddress address = socket_address(to.vtep, kVxlanPort);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))] = {};
  msghdr message{};
  message.msg_name = address.get();
  message.msg_namelen = address.bytes;
  message.msg_iov = train.pieces.data();
  message.msg_iovlen = train.pieces.size();
  message.msg_control = control;
  auto* at = reinterpret_cast<cmsghdr*>(control);
  const int tos = to.tos;
  if (v4_)
    put_control(message, at, IPPROTO_IP, IP_TOS, tos);
  else
    put_control(message, at, IPPROTO_IPV6, IPV6_TCLASS, tos);
  const auto segment_bytes = static_cast<uint16_t>(train.segment_bytes);
  if (train.segments > 1) put_control(message, at, IPPROTO_UDP, UDP_SEGMENT, segment_bytes);

  const int fd = sockets_[to.flow_hash % kSourcePorts].number();
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

}  // namespace dvr
