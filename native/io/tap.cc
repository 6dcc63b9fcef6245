#include "io/tap.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "gso/train.hpp"
#include "io/link.hpp"
#include "io/netns.hpp"
#include "io/steering.hpp"

namespace dvr {
namespace {

constexpr char kTunPath[] = "/dev/net/tun";
constexpr short kTapFlags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;

// Debian 12's headers know nothing of USO (Linux 6.2).
constexpr unsigned kTunUso4 = 0x20, kTunUso6 = 0x40;
constexpr unsigned kTso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

// A TAP takes no more; what is written to it is not bound by its MTU, what is shown by tcpdump is.
constexpr unsigned kMirrorMtuBytes = 65521;
// Nobody reads what the node's own stack would send by a mirror.
constexpr unsigned kMirrorQueueFrames = 16;

struct OffloadSet {
  unsigned bits;
  Features features;
};

// From largest to smallest: one bit the kernel does not know refuses the whole call.
constexpr OffloadSet kOffloadSets[] = {
    {kTso | kTunUso4 | kTunUso6, {.csum = true, .tso = true, .uso = true}},
    {kTso, {.csum = true, .tso = true}},
    {TUN_F_CSUM, {.csum = true}},
    {0, {}},
};

bool is_within(const Features& tap, const Features& allowed) {
  return (allowed.csum || !tap.csum) && (allowed.tso || !tap.tso) && (allowed.uso || !tap.uso);
}

SystemError set_up_headers(Device& device, const Features& allowed) {
  const int fd = device.fd();
  int header_bytes = kVnetHeaderBytes;
  if (ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0)
    return failed("ioctl(TUNSETVNETHDRSZ)", device.spec.name);
  int send_buffer_bytes = kTapSendBufferBytes;
  if (ioctl(fd, TUNSETSNDBUF, &send_buffer_bytes) < 0)
    return failed("ioctl(TUNSETSNDBUF)", device.spec.name);
  for (const OffloadSet& set : kOffloadSets) {
    if (!is_within(set.features, allowed) || ioctl(fd, TUNSETOFFLOAD, set.bits) < 0) continue;
    device.features = set.features;
    return {};
  }
  return failed("ioctl(TUNSETOFFLOAD)", device.spec.name);
}

// The largest super-frame that one UDP_SEGMENT send can carry once it is cut, for a full-sized segment of
// IPv6 + TCP with timestamps; every second send would otherwise be a few segments long.
unsigned largest_super_frame(unsigned mtu_bytes) {
  constexpr unsigned kHeaders = 40 + 20 + 12;
  if (mtu_bytes <= kHeaders) return 65535;
  const size_t segment_bytes = kVxlanHeaderBytes + 14 + mtu_bytes;
  const auto segments = static_cast<unsigned>(std::min(kMaxTrainBytes / segment_bytes, kMaxTrainSegments));
  return segments * (mtu_bytes - kHeaders);
}

SystemError set_up_tap(const Device& device, const std::string& ifname) {
  const DeviceSpec& spec = device.spec;
  if (spec.mac)
    if (auto error = set_link_mac(ifname, *spec.mac)) return error;
  if (auto error = set_link_mtu(ifname, spec.mtu_bytes)) return error;
  if (auto error = set_link_queue_length(ifname, kTapQueueFrames)) return error;
  return set_link_gso_limits(device.ifindex, largest_super_frame(spec.mtu_bytes), kMaxTrainSegments);
}

SystemError set_up_mirror(const std::string& ifname) {
  // IPv6 off before up, or the device's first act would be to speak.
  disable_link_ipv6(ifname);
  if (auto error = set_link_queue_length(ifname, kMirrorQueueFrames)) return error;
  if (auto error = set_link_mtu(ifname, kMirrorMtuBytes)) return error;
  return set_link_up_without_arp(ifname);
}

// One queue more for the device; its first makes the device where there is none.
SystemError attach(Device& device, const std::string& ifname, int more_flags) {
  Fd fd{open(kTunPath, O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!fd.is_open()) return failed("open", kTunPath);
  ifreq request{};
  ifname.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(kTapFlags | more_flags);
  if (ioctl(fd.number(), TUNSETIFF, &request) < 0) return failed("ioctl(TUNSETIFF)", ifname);
  device.queues.push_back(std::move(fd));
  return {};
}

SystemError attach_further_queues(Device& device, const std::string& ifname, const DeviceOptions& options) {
  while (device.queues.size() < options.queues)
    if (auto error = attach(device, ifname, IFF_MULTI_QUEUE)) return error;
  return {};
}

// The flags of the device behind a descriptor must be ours: a TAP, with headers.
SystemError check_flags(int fd, const std::string& about) {
  ifreq request{};
  if (ioctl(fd, TUNGETIFF, &request) < 0) return failed("ioctl(TUNGETIFF)", about);
  const bool ours = (request.ifr_flags & kTapFlags) == kTapFlags;
  return ours ? SystemError{} : SystemError{EINVAL, "ioctl(TUNGETIFF)", about + " is no TAP of ours"};
}

// How many queues it was made for is seen by trying: the kernel refuses the other kind with EINVAL. Several
// owners of one queue are refused with EBUSY, but to a device with many any process may add its own.
SystemError attach_existing_queues(Device& device, const std::string& ifname, const DeviceOptions& options) {
  const bool is_held = link_has_carrier(ifname);
  SystemError error = attach(device, ifname, 0);
  if (error.number != EINVAL) return error;
  if (is_held) return {EBUSY, "ioctl(TUNSETIFF)", ifname};
  return attach_further_queues(device, ifname, options);
}

// Attaching by name makes a new device when the old one has just gone, so the index must stay the same.
SystemError attach_existing(Device& device, const std::string& ifname, unsigned index,
                            const DeviceOptions& options) {
  if (auto error = attach_existing_queues(device, ifname, options)) return error;
  if (link_index(ifname) != index) return {ESTALE, "ioctl(TUNSETIFF)", ifname + " is another device now"};
  return check_flags(device.fd(), ifname);
}

SystemError create(Device& device, const std::string& ifname, const DeviceOptions& options) {
  const int kind = options.queues > 1 ? IFF_MULTI_QUEUE : 0;
  if (auto error = attach(device, ifname, kind | IFF_TUN_EXCL)) return error;
  if (ioctl(device.fd(), TUNSETPERSIST, 1) < 0) return failed("ioctl(TUNSETPERSIST)", ifname);
  // A kernel that will not steer leaves all flows to the first queue: slower, but none overtakes itself.
  if (options.queues == 1 || steer_by_flow(device.fd(), ifname)) return {};
  return attach_further_queues(device, ifname, options);
}

WriteOutcome outcome_of(ssize_t written) {
  if (written >= 0) return WriteOutcome::written;
  switch (errno) {
    case EBADFD:
    case EBADF:
    case ENODEV: return WriteOutcome::gone;
    case EIO: return WriteOutcome::down;
    default: return WriteOutcome::refused;
  }
}

WriteOutcome write_frame(int fd, uint8_t* frame, size_t bytes, const Offload& offload) {
  uint8_t* const start = frame - kVnetHeaderBytes;
  const VnetHeader header = write_vnet_header(offload);
  VnetHeader lent;
  std::memcpy(lent.data(), start, lent.size());
  std::memcpy(start, header.data(), header.size());
  const WriteOutcome outcome = outcome_of(write(fd, start, kVnetHeaderBytes + bytes));
  std::memcpy(start, lent.data(), lent.size());
  return outcome;
}

}  // namespace

std::string tap_name(const DeviceSpec& spec) {
  return spec.kind == DeviceKind::mirror ? spec.name : "tap" + std::to_string(spec.port.value);
}

Result<std::unique_ptr<Device>> open_tap(const DeviceSpec& spec, const DeviceOptions& of_all) {
  const std::string ifname = tap_name(spec);
  DeviceOptions options = of_all;
  if (spec.kind == DeviceKind::mirror) options.queues = 1;
  auto device = std::make_unique<Device>();
  device->spec = spec;
  const unsigned existing = link_index(ifname);
  if (auto error = existing != 0 ? attach_existing(*device, ifname, existing, options)
                                 : create(*device, ifname, options))
    return error;
  device->ifindex = link_index(ifname);
  SystemError error = set_up_headers(*device, options.allowed);
  if (!error) error = spec.kind == DeviceKind::mirror ? set_up_mirror(ifname) : set_up_tap(*device, ifname);
  if (error) {
    if (existing == 0) unpersist_tap(*device);
    return error;
  }
  return device;
}

Result<std::unique_ptr<Device>> reattach_tap(const DeviceSpec& spec, const MovedTap& moved,
                                             const DeviceOptions& options) {
  const InsideNetns inside(moved.netns);
  if (inside.error()) return inside.error();
  struct stat netns{};
  const unsigned index = link_index(moved.ifname);
  if (stat(moved.netns.c_str(), &netns) < 0 || index == 0 || link_mac(moved.ifname) != moved.mac)
    return std::unique_ptr<Device>{};

  auto device = std::make_unique<Device>();
  device->spec = spec;
  device->ifindex = index;
  device->pinned_netns = netns.st_ino;
  // Opened in here: the namespace of open() is the one that names are looked up in.
  if (auto error = attach_existing(*device, moved.ifname, index, options)) return error;
  if (auto error = set_up_headers(*device, options.allowed)) return error;
  return device;
}

Result<std::unique_ptr<Device>> adopt_tap(const DeviceSpec& spec, std::vector<Fd> queues, unsigned ifindex,
                                          const DeviceOptions& options) {
  auto device = std::make_unique<Device>();
  device->spec = spec;
  device->queues = std::move(queues);
  device->ifindex = ifindex;
  for (const Fd& queue : device->queues) {
    if (auto error = check_flags(queue.number(), spec.name)) return error;
    const int flags = fcntl(queue.number(), F_GETFL);
    if (fcntl(queue.number(), F_SETFL, flags | O_NONBLOCK) < 0)
      return failed("fcntl(O_NONBLOCK)", spec.name);
  }
  if (auto error = set_up_headers(*device, options.allowed)) return error;
  return device;
}

void unpersist_tap(const Device& device) { ioctl(device.fd(), TUNSETPERSIST, 0); }

ReadOutcome read_tap(int fd, std::span<uint8_t> slot, Packet& packet) {
  const auto into = slot.subspan(kHeadroom - kVnetHeaderBytes);
  const ssize_t bytes = read(fd, into.data(), into.size());
  if (bytes < 0) return errno == EBADFD || errno == EBADF ? ReadOutcome::gone : ReadOutcome::empty;
  if (static_cast<size_t>(bytes) < kVnetHeaderBytes) return ReadOutcome::broken;
  VnetHeader header;
  std::memcpy(header.data(), into.data(), header.size());
  packet.frame = slot.subspan(kHeadroom, static_cast<size_t>(bytes) - kVnetHeaderBytes);
  const auto offload = read_vnet_header(header, packet.frame);
  if (!offload) return ReadOutcome::broken;
  packet.offload = *offload;
  return ReadOutcome::frame;
}

WriteOutcome write_tap(int fd, const Packet& packet) {
  return write_frame(fd, packet.frame.data(), packet.frame.size(), packet.offload);
}

WriteOutcome write_tap(int fd, const Run& run) {
  if (run.pieces.size() == 1)
    return write_frame(fd, static_cast<uint8_t*>(run.pieces[0].iov_base), run.bytes, run.offload);
  VnetHeader header = write_vnet_header(run.offload);
  const auto pieces = run.behind(header.data(), header.size());
  return outcome_of(writev(fd, pieces.data(), static_cast<int>(pieces.size())));
}

WriteOutcome write_tap_tagged(int fd, const Packet& packet, uint16_t vlan) {
  return outcome_of(write_tagged(fd, packet, vlan, kVnetHeaderBytes));
}

}  // namespace dvr
