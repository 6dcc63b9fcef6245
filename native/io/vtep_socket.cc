#include "io/vtep_socket.hpp"

#include <fcntl.h>
#include <linux/udp.h>

#include "base/json.hpp"
#include "io/socket_address.hpp"
#include "io/socket_buffers.hpp"
#include "io/source_ports.hpp"

namespace dvr {
namespace {

// A burst of super-frames for as long as a worker may be busy elsewhere.
constexpr int kReceiveBufferBytes = 8 << 20;

SystemError set(int fd, int level, int option, int value, const char* call) {
  return setsockopt(fd, level, option, &value, sizeof value) < 0 ? failed(call, "vtep") : SystemError{};
}

SystemError set_up_socket(Device& device, int fd, const Features& allowed) {
  const bool v4 = device.spec.vtep_ip.is_v4();
  const SystemError error = v4 ? set(fd, IPPROTO_IP, IP_RECVTOS, 1, "setsockopt(IP_RECVTOS)")
                               : set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, "setsockopt(IPV6_RECVTCLASS)");
  if (error) return error;
  // Set either way: an adopted socket has what the dataplane before this one set.
  const bool taken = !set(fd, IPPROTO_UDP, UDP_GRO, allowed.udp_gro, "setsockopt(UDP_GRO)");
  device.features.udp_gro = taken && allowed.udp_gro;
  set_receive_buffer(fd, kReceiveBufferBytes);
  return {};
}

SystemError set_up(Device& device, const Features& allowed) {
  for (const Fd& socket : device.queues)
    if (auto error = set_up_socket(device, socket.number(), allowed)) return error;
  auto ports = SourcePorts::open(device.spec.vtep_ip, allowed);
  if (!ports.ok()) return ports.error;
  device.features.udp_segment = ports.value->can_segment();
  device.features.udp_segment_128 = ports.value->segment_limit() == kMaxTrainSegments;
  device.source_ports = std::move(ports.value);
  return {};
}

Result<std::unique_ptr<Device>> finish(const DeviceSpec& spec, std::vector<Fd> sockets,
                                       const Features& allowed) {
  auto device = std::make_unique<Device>();
  device->spec = spec;
  device->queues = std::move(sockets);
  if (auto error = set_up(*device, allowed)) return error;
  return device;
}

Result<Fd> open_socket(const IpAddr& vtep_ip, bool shared) {
  const int family = vtep_ip.is_v4() ? AF_INET : AF_INET6;
  Fd fd{socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return failed("socket", "vtep");
  if (shared)
    if (auto error = set(fd.number(), SOL_SOCKET, SO_REUSEPORT, 1, "setsockopt(SO_REUSEPORT)")) return error;
  const SocketAddress address = socket_address(vtep_ip, kVxlanPort);
  if (bind(fd.number(), address.get(), address.bytes) < 0)
    return failed("bind", text_of(vtep_ip) + " port " + std::to_string(kVxlanPort));
  return fd;
}

SystemError check_bound(int fd, const IpAddr& vtep_ip) {
  SocketAddress bound;
  bound.bytes = sizeof bound.storage;
  if (getsockname(fd, bound.get(), &bound.bytes) < 0) return failed("getsockname", "vtep");
  const auto family = bound.storage.ss_family;
  const bool ours = (family == AF_INET || family == AF_INET6) && ip_of(bound.storage) == vtep_ip &&
                    port_of(bound.storage) == kVxlanPort;
  return ours ? SystemError{} : SystemError{EINVAL, "getsockname", "vtep is not bound to " + text_of(vtep_ip)};
}

void read_control(const cmsghdr* control, Received& received) {
  int value = 0;
  if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_TOS) {
    received.tos = *CMSG_DATA(control);
  } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_TCLASS) {
    std::memcpy(&value, CMSG_DATA(control), sizeof value);
    received.tos = static_cast<uint8_t>(value);
  } else if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
    std::memcpy(&value, CMSG_DATA(control), sizeof value);
    received.gso_bytes = static_cast<uint16_t>(value);
  }
}

}  // namespace

Result<std::unique_ptr<Device>> open_vtep(const DeviceSpec& spec, const DeviceOptions& options) {
  std::vector<Fd> sockets;
  while (sockets.size() < options.queues) {
    auto socket = open_socket(spec.vtep_ip, options.queues > 1);
    if (!socket.ok()) return socket.error;
    sockets.push_back(std::move(socket.value));
  }
  return finish(spec, std::move(sockets), options.allowed);
}

Result<std::unique_ptr<Device>> adopt_vtep(const DeviceSpec& spec, std::vector<Fd> sockets,
                                           const DeviceOptions& options) {
  for (const Fd& socket : sockets)
    if (auto error = check_bound(socket.number(), spec.vtep_ip)) return error;
  return finish(spec, std::move(sockets), options.allowed);
}

Received receive_vxlan(int fd, std::span<uint8_t> into) {
  sockaddr_storage from{};
  iovec piece{into.data(), into.size()};
  alignas(cmsghdr) char control[128];
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;

  Received received;
  const ssize_t bytes = recvmsg(fd, &message, MSG_DONTWAIT);
  if (bytes <= 0) return received;
  received.bytes = into.first(static_cast<size_t>(bytes));
  received.vtep = ip_of(from);
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at))
    read_control(at, received);
  return received;
}

void clear_socket_error(int fd) {
  int error = 0;
  socklen_t bytes = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
}

}  // namespace dvr
