#include "io/source_ports.hpp"

#include <linux/udp.h>
#include <sys/random.h>

#include "base/json.hpp"
#include "io/socket_address.hpp"
#include "io/socket_buffers.hpp"
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
  set_send_buffer(fd, kSendBufferBytes);
  if (!v4) {
    if (auto error = set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, kTtl, "setsockopt(IPV6_UNICAST_HOPS)"))
      return error;
    return set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, "setsockopt(IPV6_MTU_DISCOVER)");
  }
  if (auto error = set(fd, IPPROTO_IP, IP_TTL, kTtl, "setsockopt(IP_TTL)")) return error;
  return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO, "setsockopt(IP_MTU_DISCOVER)");
}

// Asks with a train to ourselves, because only a send knows the limit. EINVAL: it is 64.
bool takes_long_trains(const IpAddr& ip) {
  const Fd fd{socket(ip.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  SocketAddress self = socket_address(ip, 0);
  if (!fd.is_open() || bind(fd.number(), self.get(), self.bytes) < 0) return false;
  if (getsockname(fd.number(), self.get(), &self.bytes) < 0) return false;
  if (set(fd.number(), IPPROTO_UDP, UDP_SEGMENT, 1, "")) return false;
  const char train[kShortTrainSegments + 1] = {};
  return sendto(fd.number(), train, sizeof train, MSG_NOSIGNAL, self.get(), self.bytes) == sizeof train;
}

// What stands beside the bytes of a message: the outer TOS, and the segment size of a train.
class Control {
 public:
  void put(int level, int type, auto value) {
    auto* const at = reinterpret_cast<cmsghdr*>(buffer_ + bytes_);
    at->cmsg_level = level;
    at->cmsg_type = type;
    at->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(at), &value, sizeof value);
    bytes_ += CMSG_SPACE(sizeof value);
  }
  void put_tos(bool v4, uint8_t tos) {
    v4 ? put(IPPROTO_IP, IP_TOS, int{tos}) : put(IPPROTO_IPV6, IPV6_TCLASS, int{tos});
  }
  void attach_to(msghdr& message) {
    message.msg_control = buffer_;
    message.msg_controllen = bytes_;
  }

 private:
  alignas(cmsghdr) char buffer_[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))] = {};
  size_t bytes_ = 0;
};

}  // namespace

Result<std::shared_ptr<SourcePorts>> SourcePorts::open(const IpAddr& vtep_ip, const Features& allowed) {
  auto pool = std::make_shared<SourcePorts>();
  pool->v4_ = vtep_ip.is_v4();
  for (Fd& fd : pool->sockets_) {
    fd = Fd{socket(pool->v4_ ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd.is_open()) return failed("socket", "source port");
    if (auto error = set_up(fd.number(), pool->v4_)) return error;
    if (auto error = bind_to_random_port(fd.number(), vtep_ip)) return error;
  }
  // Asked with the value that changes nothing; the size comes with each train.
  pool->can_segment_ =
      allowed.udp_segment && !set(pool->sockets_[0].number(), IPPROTO_UDP, UDP_SEGMENT, 0, "");
  if (pool->can_segment_ && allowed.udp_segment_128 && takes_long_trains(vtep_ip))
    pool->segment_limit_ = kMaxTrainSegments;
  return pool;
}

int SourcePorts::send_train(const Outer& to, const Train& train) const {
  if (to.vtep.is_v4() != v4_) return EAFNOSUPPORT;
  SocketAddress address = socket_address(to.vtep, kVxlanPort);
  Control control;
  control.put_tos(v4_, to.tos);
  if (train.segments > 1) control.put(IPPROTO_UDP, UDP_SEGMENT, static_cast<uint16_t>(train.segment_bytes));
  msghdr message{};
  message.msg_name = address.get();
  message.msg_namelen = address.bytes;
  message.msg_iov = train.pieces.data();
  message.msg_iovlen = train.pieces.size();
  control.attach_to(message);
  return sendmsg(socket_of(to), &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

SourcePorts::Sent SourcePorts::send_packets(const Outer& to, const Train& train) const {
  if (to.vtep.is_v4() != v4_) return {0, EAFNOSUPPORT};
  SocketAddress address = socket_address(to.vtep, kVxlanPort);
  Control control;
  control.put_tos(v4_, to.tos);
  const size_t pieces = train.pieces.size() / train.segments;
  mmsghdr messages[kMaxTrainSegments];
  for (size_t at = 0; at < train.segments; ++at) {
    msghdr& message = messages[at].msg_hdr = {};
    message.msg_name = address.get();
    message.msg_namelen = address.bytes;
    message.msg_iov = &train.pieces[at * pieces];
    message.msg_iovlen = pieces;
    control.attach_to(message);
  }
  // It stops at the first packet that is refused, and only the next call says why.
  Sent sent;
  while (sent.segments < train.segments) {
    const auto left = static_cast<unsigned>(train.segments - sent.segments);
    const int count = sendmmsg(socket_of(to), messages + sent.segments, left, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count <= 0) return sent.error = errno, sent;
    sent.segments += static_cast<size_t>(count);
  }
  return sent;
}

}  // namespace dvr
