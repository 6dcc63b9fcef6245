// Ports without devices: what leaves is kept in a list, in order. For walks and tests, where the same
// pipeline runs without root, namespaces or threads. Frames to the tunnel keep their VXLAN header, so that
// they can be given to another pipeline as its input.
#pragma once

#include <vector>

#include "packet/packet.hpp"

namespace dvr {

class MemoryPorts {
 public:
  struct Sent {
    PortId port;
    IpAddr vtep;  // to the tunnel only
    std::vector<uint8_t> frame;
  };

  void to_port(PortId port, Packet& packet) {
    Sent sent{port, {}, {packet.frame.begin(), packet.frame.end()}};
    if (const uint16_t vlan = packet.tag_at(port); vlan != 0 && sent.frame.size() >= kEthernetBytes)
      sent.frame.insert(sent.frame.begin() + kEthernetBytes - 2,
                        {0x81, 0x00, static_cast<uint8_t>(vlan >> 8), static_cast<uint8_t>(vlan)});
    sent_.push_back(std::move(sent));
  }

  void to_vtep(const IpAddr& vtep, Packet& packet) {
    const size_t header_bytes = packet.encapsulated ? kVxlanHeaderBytes : 0;
    const uint8_t* start = packet.frame.data() - header_bytes;
    sent_.push_back({kTunnelPort, vtep, {start, start + header_bytes + packet.frame.size()}});
  }

  const std::vector<Sent>& sent() const { return sent_; }

 private:
  std::vector<Sent> sent_;
};

}  // namespace dvr
