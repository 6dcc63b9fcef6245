// Hears what changes in a network namespace, and looks into it: opened inside once, used from outside.
// Heard are links (a capture makes its link promiscuous), tc, rules, others' routes and nft tables. Packet
// sockets come and go unheard, so they are asked for. Its descriptors keep the namespace alive.
#pragma once

#include <string>
#include <vector>

#include "io/namespace_facts.hpp"
#include "io/packet_diag.hpp"

struct nlmsghdr;

namespace dvr {

class NamespaceWatch {
 public:
  // `path` is /run/netns/…; routes of our own protocol are of no interest, unless they go.
  static Result<NamespaceWatch> open(const std::string& path, unsigned own_route_protocol);

  // Readable when something has been heard. A kernel without nfnetlink gives one, others two.
  std::vector<int> event_fds() const;
  // Reads what was heard on one of them; answers whether facts() may answer otherwise now.
  bool take_events(int fd) const;

  Result<std::vector<PacketSocket>> packet_sockets() const { return diag_.sockets(); }
  Result<NamespaceFacts> facts() const { return namespace_facts(diag_.netns(), own_route_protocol_); }

  NamespaceWatch() = default;

 private:
  bool is_of_interest(const nlmsghdr& message) const;

  PacketDiag diag_;
  Fd route_events_;
  Fd nft_events_;
  unsigned own_route_protocol_ = 0;
};

}  // namespace dvr
