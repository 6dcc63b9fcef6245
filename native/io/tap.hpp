// TAP devices: a frame from a VM or a router namespace is one read, a frame to it is one write, each with
// the virtio-net header in front that says what the sender left to the device.
//
// Opening is the control side's work; reading and writing the workers'. A TAP is opened in the node's own
// network namespace and moved into the VM's: a descriptor opened inside a foreign namespace would keep that
// namespace alive. Devices are persistent: they outlive this process, and the next one attaches by
// descriptor (adopt_tap) or, where no process kept one, by name (open_tap on an existing device).
//
// A TAP made by a dataplane with several workers has a queue for each, and keeps them: the kernel lets no queue
// be added to one made with a single queue, and no descriptor of a moved TAP be opened from here.
#pragma once

#include <memory>

#include "gso/run.hpp"
#include "io/device.hpp"
#include "io/port_io.hpp"
#include "io/system_error.hpp"
#include "io/vnet_header.hpp"
#include "packet/packet.hpp"

namespace dvr {

// The device's name when it is made: scripts rename it when they move it. Mirrors keep theirs.
std::string tap_name(const DeviceSpec& spec);

// Frames that wait in a TAP for us; the kernel drops what does not fit. Its own default, not yet tuned: fewer
// bound how long super-frames queue, more bridge a pause of the worker.
inline constexpr unsigned kTapQueueFrames = 1000;
// Bytes of ours that may wait in the receiver's stack before a write would block. The kernel's default for
// TAPs: never.
inline constexpr int kTapSendBufferBytes = INT32_MAX;

// Opens the TAP, or attaches to it if a persistent one with our flags stands in this namespace unused.
Result<std::unique_ptr<Device>> open_tap(const DeviceSpec& spec, const DeviceOptions& options = {});

// Where a persistent TAP was moved to by an owner that is gone.
struct MovedTap {
  std::string netns;  // path
  std::string ifname;
  MacAddr mac;
};

// Attaches to a TAP in the namespace it was moved to; null if none with that name and MAC is there. The
// last resort, when no process kept a descriptor: this one keeps the namespace alive (pinned_netns), so
// whoever asked must close it when the namespace has lost its name.
Result<std::unique_ptr<Device>> reattach_tap(const DeviceSpec& spec, const MovedTap& moved,
                                             const DeviceOptions& options = {});

// Takes over the descriptors of the TAP's queues. Header size and offloads are set again, because attaching checks
// neither, and a TAP that lost them would hand us super-frames without a header.
Result<std::unique_ptr<Device>> adopt_tap(const DeviceSpec& spec, std::vector<Fd> queues, unsigned ifindex,
                                          const DeviceOptions& options = {});

// Removes the device from the kernel when its last descriptor closes.
void unpersist_tap(const Device& device);

// Reads one frame to `slot`, which is kHeadroom and at least kMaxFrameBytes: the frame stands behind the
// headroom. Sets packet.frame and packet.offload.
ReadOutcome read_tap(int fd, std::span<uint8_t> slot, Packet& packet);

// Writes the frame as it is: a super-frame whole, an unfinished checksum unfinished. One plain write, because
// the vnet header is put into the kVnetHeaderBytes before the frame; they are as before when this returns, for
// they may be the VXLAN header of a copy that still waits, or the end of the packet received before.
WriteOutcome write_tap(int fd, const Packet& packet);

// Writes a run as one super-frame, where its pieces lie. A run of a single packet is written as that.
WriteOutcome write_tap(int fd, const Run& run);

// Writes the frame with an 802.1Q tag after the MACs: what br-int and br-ex show (IEEE 802.1Q section 9).
WriteOutcome write_tap_tagged(int fd, const Packet& packet, uint16_t vlan);

}  // namespace dvr
