// Hears what changes in a network namespace, and looks into it: opened inside once, used from outside.
// Heard are links (a capture makes its link promiscuous), tc, rules, others' routes and nft tables. Packet
// sockets come and go unheard, so they are asked for (socket_asker.hpp). Its descriptors keep the namespace alive.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "io/namespace_facts.hpp"
#include "io/socket_asker.hpp"

struct nlmsghdr;

namespace dvr {

class NamespaceWatch {
 public:
  // `path` is /run/netns/…; routes of our own protocol are of no interest, unless they go. Packet sockets that come
  // or go are heard of at most `ask_period` later; with thousands of namespaces, so seldom as SocketAsker's share says.
  static Result<NamespaceWatch> open(const std::string& path, unsigned own_route_protocol,
                                     std::chrono::milliseconds ask_period);
  ~NamespaceWatch();
  NamespaceWatch(NamespaceWatch&&) = default;
  NamespaceWatch& operator=(NamespaceWatch&& other) noexcept;

  // Readable when something has been heard. A kernel without nfnetlink gives two, others three.
  std::vector<int> event_fds() const;
  // Reads what was heard on one of them; answers whether what is asked below may be answered otherwise now.
  bool take_events(int fd) const;

  Result<std::vector<PacketSocket>> packet_sockets() const { return asked_->sockets(); }
  Result<NamespaceFacts> facts() const { return namespace_facts(asked_->netns(), own_route_protocol_); }

  NamespaceWatch() = default;

 private:
  static Result<NamespaceWatch> open_inside(const std::string& path, unsigned own_route_protocol,
                                            std::chrono::milliseconds ask_period);
  bool is_of_interest(const nlmsghdr& message) const;

  std::shared_ptr<AskedSockets> asked_;  // null: moved from
  Fd route_events_;
  Fd nft_events_;
  unsigned own_route_protocol_ = 0;
};

}  // namespace dvr
