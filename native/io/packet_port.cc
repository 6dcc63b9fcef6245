#include "io/packet_port.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "io/link.hpp"
#include "io/socket_buffers.hpp"
#include "io/vnet_header.hpp"
#include "packet/vlan_tag.hpp"

namespace dvr {
namespace {

// The header that PACKET_VNET_HDR reads and writes ends before num_buffers.
constexpr size_t kHeaderBytes = 10;
// Super-frames for as long as a worker may be busy elsewhere, and as many that wait for the device.
constexpr int kBufferBytes = 8 << 20;

template <class Value>
SystemError set(int fd, int option, const Value& value, const char* call, const std::string& about) {
  return setsockopt(fd, SOL_PACKET, option, &value, sizeof value) < 0 ? failed(call, about) : SystemError{};
}

SystemError set_up(int fd, unsigned ifindex, const std::string& device) {
  if (auto error = set(fd, PACKET_VNET_HDR, 1, "setsockopt(PACKET_VNET_HDR)", device)) return error;
  if (auto error = set(fd, PACKET_AUXDATA, 1, "setsockopt(PACKET_AUXDATA)", device)) return error;
  // Else every frame that we send, and all that the node's own stack sends, would come back.
  if (auto error = set(fd, PACKET_IGNORE_OUTGOING, 1, "setsockopt(PACKET_IGNORE_OUTGOING)", device)) return error;
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = static_cast<int>(ifindex);
  promiscuous.mr_type = PACKET_MR_PROMISC;
  set_receive_buffer(fd, kBufferBytes);
  set_send_buffer(fd, kBufferBytes);
  return set(fd, PACKET_ADD_MEMBERSHIP, promiscuous, "setsockopt(PACKET_ADD_MEMBERSHIP)", device);
}

SystemError bind_to(int fd, unsigned ifindex, const std::string& device) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(ifindex);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ? failed("bind", device)
                                                                                  : SystemError{};
}

// Below 1: none any more.
int bound_ifindex(int fd) {
  sockaddr_ll address{};
  socklen_t bytes = sizeof address;
  const bool known = getsockname(fd, reinterpret_cast<sockaddr*>(&address), &bytes) == 0;
  return known && address.sll_family == AF_PACKET ? address.sll_ifindex : 0;
}

std::unique_ptr<Device> device_of(const DeviceSpec& spec, unsigned ifindex) {
  auto device = std::make_unique<Device>();
  device->spec = spec;
  device->ifindex = ifindex;
  return device;
}

void put_stripped_tag_back(const msghdr& message, Packet& packet) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(const_cast<msghdr*>(&message), at)) {
    if (at->cmsg_level != SOL_PACKET || at->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata aux;
    std::memcpy(&aux, CMSG_DATA(at), sizeof aux);
    if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0) continue;
    const bool has_type = (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    put_vlan_tag(packet, has_type ? aux.tp_vlan_tpid : kEtherTypeVlan, aux.tp_vlan_tci);
  }
}

WriteOutcome outcome_of(ssize_t written) {
  if (written >= 0) return WriteOutcome::written;
  switch (errno) {
    case EBADF:
    case ENODEV:
    case ENXIO: return WriteOutcome::gone;
    case ENETDOWN: return WriteOutcome::down;
    case EMSGSIZE: return WriteOutcome::over_mtu;
    default: return WriteOutcome::refused;
  }
}

}  // namespace

Result<std::unique_ptr<Device>> open_packet_port(const DeviceSpec& spec) {
  const unsigned ifindex = link_index(spec.device);
  if (ifindex == 0) return SystemError{ENODEV, "socket(AF_PACKET)", spec.name + ": there is no device " + spec.device};
  const unsigned mtu_bytes = link_mtu(spec.device);
  if (mtu_bytes < spec.mtu_bytes)
    return SystemError{EMSGSIZE, "socket(AF_PACKET)",
                       spec.name + ": " + spec.device + " has an MTU of " + std::to_string(mtu_bytes) +
                           ", less than " + std::to_string(spec.mtu_bytes)};
  // No protocol yet: the first frame that comes shall come as all others do, with a header.
  Fd fd{socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.is_open()) return failed("socket(AF_PACKET)", spec.device);
  if (auto error = set_up(fd.number(), ifindex, spec.device)) return error;
  if (auto error = bind_to(fd.number(), ifindex, spec.device)) return error;
  auto device = device_of(spec, ifindex);
  device->queues.push_back(std::move(fd));
  return device;
}

Result<std::unique_ptr<Device>> adopt_packet_port(const DeviceSpec& spec, std::vector<Fd> sockets, unsigned ifindex) {
  for (const Fd& socket : sockets)
    if (ifindex == 0 || bound_ifindex(socket.number()) != static_cast<int>(ifindex))
      return SystemError{EINVAL, "getsockname", spec.name + " is not bound to " + spec.device};
  auto device = device_of(spec, ifindex);
  device->queues = std::move(sockets);
  return device;
}

bool is_packet_port_gone(int fd) { return bound_ifindex(fd) < 1; }

ReadOutcome read_packet_port(int fd, std::span<uint8_t> slot, Packet& packet) {
  const auto into = slot.subspan(kHeadroom - kHeaderBytes);
  iovec piece{into.data(), into.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(tpacket_auxdata))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t bytes = recvmsg(fd, &message, MSG_DONTWAIT);
  if (bytes < 0) return errno != EAGAIN && is_packet_port_gone(fd) ? ReadOutcome::gone : ReadOutcome::empty;
  if (static_cast<size_t>(bytes) < kHeaderBytes || (message.msg_flags & MSG_TRUNC) != 0) return ReadOutcome::broken;
  VnetHeader header{};
  std::memcpy(header.data(), into.data(), kHeaderBytes);
  packet.frame = slot.subspan(kHeadroom, static_cast<size_t>(bytes) - kHeaderBytes);
  const auto offload = read_vnet_header(header, packet.frame);
  if (!offload) return ReadOutcome::broken;
  packet.offload = *offload;
  put_stripped_tag_back(message, packet);
  return ReadOutcome::frame;
}

WriteOutcome write_packet_port(int fd, const Packet& packet, uint16_t vlan) {
  return outcome_of(write_tagged(fd, packet, vlan, kHeaderBytes));
}

}  // namespace dvr
