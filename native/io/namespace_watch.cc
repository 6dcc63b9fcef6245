#include "io/namespace_watch.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "io/netlink.hpp"
#include "io/netns.hpp"

namespace dvr {
namespace {

constexpr size_t kEventBytes = 16384;

}  // namespace

// The asker's thread begins where its maker is, and keeps that namespace alive for good: so nobody is inside then.
Result<NamespaceWatch> NamespaceWatch::open(const std::string& path, unsigned own_route_protocol,
                                            std::chrono::milliseconds ask_period) {
  auto watch = open_inside(path, own_route_protocol, ask_period);
  if (watch.ok()) SocketAsker::here().add(watch.value.asked_);
  return watch;
}

Result<NamespaceWatch> NamespaceWatch::open_inside(const std::string& path, unsigned own_route_protocol,
                                                   std::chrono::milliseconds ask_period) {
  const InsideNetns inside(path);
  if (inside.error()) return inside.error();
  NamespaceWatch watch;
  watch.own_route_protocol_ = own_route_protocol;
  auto asked = AskedSockets::open(ask_period);
  if (!asked.ok()) return asked.error;
  auto route = open_netlink(NETLINK_ROUTE, {RTNLGRP_LINK, RTNLGRP_TC, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR,
                                            RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
                                            RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE});
  if (!route.ok()) return route.error;
  watch.route_events_ = std::move(route.value);
  // Where tables cannot be heard of, they are found by those who look now and then.
  auto nft = open_netlink(NETLINK_NETFILTER, {NFNLGRP_NFTABLES});
  if (nft.ok()) watch.nft_events_ = std::move(nft.value);
  watch.asked_ = std::move(asked.value);
  return watch;
}

NamespaceWatch::~NamespaceWatch() {
  if (asked_) SocketAsker::here().remove(asked_);
}

NamespaceWatch& NamespaceWatch::operator=(NamespaceWatch&& other) noexcept {
  std::swap(asked_, other.asked_);
  std::swap(route_events_, other.route_events_);
  std::swap(nft_events_, other.nft_events_);
  std::swap(own_route_protocol_, other.own_route_protocol_);
  return *this;
}

std::vector<int> NamespaceWatch::event_fds() const {
  std::vector<int> fds{route_events_.number(), asked_->changed().fd()};
  if (nft_events_.is_open()) fds.push_back(nft_events_.number());
  return fds;
}

bool NamespaceWatch::take_events(int fd) const {
  if (fd == asked_->changed().fd()) return asked_->changed().hear();
  alignas(nlmsghdr) char part[kEventBytes];
  bool heard = false;
  for (;;) {
    const ssize_t bytes = recv(fd, part, sizeof part, MSG_DONTWAIT);
    // More was said than the socket holds: whatever it was, it is to be looked at.
    if (bytes < 0 && errno == ENOBUFS) { heard = true; continue; }
    if (bytes <= 0) return heard;
    auto left = static_cast<unsigned>(bytes);
    const auto* message = reinterpret_cast<const nlmsghdr*>(part);
    for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
      heard = heard || is_of_interest(*message);
  }
}

bool NamespaceWatch::is_of_interest(const nlmsghdr& message) const {
  // Neighbours that come are ours, or the kernel's own, which change with every packet.
  if (message.nlmsg_type == RTM_NEWNEIGH) return false;
  if (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE) return true;
  const unsigned protocol = header_of<rtmsg>(message).rtm_protocol;
  // Routes of ours that come are no news. That one goes may be somebody else's doing.
  if (message.nlmsg_type == RTM_DELROUTE && protocol == own_route_protocol_) return true;
  return protocol != own_route_protocol_ && !is_route_of_kernel(protocol);
}

}  // namespace dvr
