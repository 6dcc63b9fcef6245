// A device of a node: a TAP, a mirror TAP, the VTEP socket, or a socket on a Linux device that others made (an
// uplink), open and ready for the workers.
// Mirrors DeviceSpec and DeviceInfo of src/dataplane/interface.ts. Owned by the control side, read by the
// workers through Wiring; the descriptor closes when the last version that names it is reclaimed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/types.hpp"
#include "io/fd.hpp"

namespace dvr {

enum class DeviceKind : uint8_t { tap, vtep, mirror, uplink };

struct DeviceSpec {
  DeviceKind kind{};
  std::string name;
  PortId port;
  bool gated = false;          // tap; passes nothing until its gate is held open (worker/gates.hpp)
  uint16_t mtu_bytes = 0;      // tap; uplink: what its device must take at least
  std::optional<MacAddr> mac;  // tap; else the kernel chooses
  IpAddr vtep_ip;              // vtep
  std::string device;          // uplink: its name in the node's own namespace

  friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

// What a device can do: found by trying, never from a version string, and among what it is allowed to.
struct Features {
  bool csum = false, tso = false, uso = false;  // TAP: what it may hand us
  bool udp_segment = false;                     // VTEP: many packets of one size in one send
  bool udp_segment_128 = false;                 // up to 128 of them, else 64
  bool udp_gro = false;                         // VTEP: such a train is received whole
};

struct FeatureName {
  const char* name;
  bool Features::*member;
};
// As the seam, `dvr dataplane --without` and DeviceInfo of src/dataplane/interface.ts call them.
inline constexpr FeatureName kFeatureNames[] = {
    {"csum", &Features::csum},
    {"tso", &Features::tso},
    {"uso", &Features::uso},
    {"udp_segment", &Features::udp_segment},
    {"udp_segment_128", &Features::udp_segment_128},
    {"udp_gro", &Features::udp_gro},
};

// Whoever wants to see how it goes without one takes it out.
inline constexpr Features kAllFeatures{
    .csum = true, .tso = true, .uso = true, .udp_segment = true, .udp_segment_128 = true, .udp_gro = true};

// What a dataplane was told at its start about the devices it opens.
struct DeviceOptions {
  size_t queues = 1;                // of a TAP and of the VTEP: one a worker
  Features allowed = kAllFeatures;  // no others are tried
};

class SourcePorts;

struct Device {
  DeviceSpec spec;
  // One at least: the queues of a TAP, or VTEP sockets that share the port. Each is one worker's to read, and
  // the kernel gives one flow always to the same (steering.hpp; SO_REUSEPORT), so that none overtakes itself.
  std::vector<Fd> queues;
  unsigned ifindex = 0;  // at creation; 0 for the VTEP socket
  uint64_t serial = 0;   // of this opening: a port's next device has another
  // Inode of the namespace that `fd` keeps alive, because it was opened inside; 0: none.
  uint64_t pinned_netns = 0;
  Features features;
  std::shared_ptr<const SourcePorts> source_ports;  // vtep only

  // For what is the same whichever queue is asked: settings, and writing by a single worker.
  int fd() const { return queues.front().number(); }
};

}  // namespace dvr
