#include "io/namespace_facts.hpp"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>

#include <cstdio>

#include "io/netlink.hpp"
#include "io/netns.hpp"

namespace dvr {
namespace {

constexpr uint16_t kGetTable = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;

struct Sockets {
  Fd route;
  Fd netfilter;  // not open where the kernel has no nfnetlink
};

template <class Fact>
void keep(std::vector<Fact>& facts, Fact fact) {
  if (facts.size() < kMostFactsOfAKind) facts.push_back(std::move(fact));
}

SystemError read_links(int fd, std::vector<LinkFact>& links) {
  return netlink_dump(fd, RTM_GETLINK, ifinfomsg{}, "links", [&](const nlmsghdr& message) {
    const auto header = header_of<ifinfomsg>(message);
    const auto attribute = [&](unsigned type) { return attribute_of(message, sizeof header, type); };
    const bool promiscuous =
        (header.ifi_flags & IFF_PROMISC) != 0 || attribute(IFLA_PROMISCUITY).as<uint32_t>() != 0;
    const bool xdp = attribute(IFLA_XDP).inside(IFLA_XDP_ATTACHED).as<uint8_t>() != XDP_ATTACHED_NONE;
    keep(links, {static_cast<unsigned>(header.ifi_index), attribute(IFLA_IFNAME).text(), promiscuous, xdp});
  });
}

SystemError read_qdiscs(int fd, std::vector<QdiscFact>& qdiscs) {
  return netlink_dump(fd, RTM_GETQDISC, tcmsg{}, "qdiscs", [&](const nlmsghdr& message) {
    const auto header = header_of<tcmsg>(message);
    const std::string kind = attribute_of(message, sizeof header, TCA_KIND).text();
    keep(qdiscs, {static_cast<unsigned>(header.tcm_ifindex), kind, header.tcm_handle});
  });
}

SystemError read_rules(int fd, std::vector<RuleFact>& rules) {
  return netlink_dump(fd, RTM_GETRULE, fib_rule_hdr{}, "rules", [&](const nlmsghdr& message) {
    const auto header = header_of<fib_rule_hdr>(message);
    // The kernel has rules for multicast routers as well, under families of their own.
    if (header.family != AF_INET && header.family != AF_INET6) return;
    const auto attribute = [&](unsigned type) { return attribute_of(message, sizeof header, type); };
    keep(rules, {header.family, attribute(FRA_PRIORITY).as<uint32_t>(), attribute(FRA_PROTOCOL).as<uint8_t>()});
  });
}

std::string destination_of(const nlmsghdr& message, const rtmsg& header) {
  const auto address = attribute_of(message, sizeof header, RTA_DST);
  const size_t bytes = header.rtm_family == AF_INET ? 4 : 16;
  char text[INET6_ADDRSTRLEN] = "";
  const uint8_t any[16] = {};
  inet_ntop(header.rtm_family, address.bytes() == bytes ? address.data() : any, text, sizeof text);
  return std::string(text) + "/" + std::to_string(header.rtm_dst_len);
}

SystemError read_routes(int fd, unsigned own_protocol, std::vector<RouteFact>& routes) {
  return netlink_dump(fd, RTM_GETROUTE, rtmsg{}, "routes", [&](const nlmsghdr& message) {
    const auto header = header_of<rtmsg>(message);
    if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6) return;
    if (header.rtm_protocol == own_protocol || is_route_of_kernel(header.rtm_protocol)) return;
    keep(routes, {destination_of(message, header), header.rtm_protocol});
  });
}

// A kernel without nf_tables refuses the request: then there are no tables.
void read_nft_tables(int fd, std::vector<TableFact>& tables) {
  const nfgenmsg any{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = 0};
  netlink_dump(fd, kGetTable, any, "nft tables", [&](const nlmsghdr& message) {
    const auto header = header_of<nfgenmsg>(message);
    keep(tables, {header.nfgen_family, attribute_of(message, sizeof header, NFTA_TABLE_NAME).text()});
  });
}

// One name a line. The file is there only where the module is loaded.
void read_xtables(const char* path, std::vector<std::string>& tables) {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return;
  char line[64];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    std::string name(line);
    while (!name.empty() && name.back() == '\n') name.pop_back();
    if (!name.empty()) keep(tables, std::move(name));
  }
  std::fclose(file);
}

SystemError look_inside(const Fd& netns, Sockets& sockets, NamespaceFacts& facts) {
  const InsideNetns inside(netns);
  if (inside.error()) return inside.error();
  auto route = open_netlink(NETLINK_ROUTE);
  if (!route.ok()) return route.error;
  sockets.route = std::move(route.value);
  auto netfilter = open_netlink(NETLINK_NETFILTER);
  if (netfilter.ok()) sockets.netfilter = std::move(netfilter.value);
  for (const char* path : {"/proc/thread-self/net/ip_tables_names", "/proc/thread-self/net/ip6_tables_names"})
    read_xtables(path, facts.xtables);
  return {};
}

}  // namespace

bool is_route_of_kernel(unsigned protocol) {
  return protocol == RTPROT_UNSPEC || protocol == RTPROT_REDIRECT || protocol == RTPROT_KERNEL ||
         protocol == RTPROT_RA;
}

Result<NamespaceFacts> namespace_facts(const Fd& netns, unsigned own_route_protocol) {
  NamespaceFacts facts;
  Sockets sockets;
  if (auto error = look_inside(netns, sockets, facts)) return error;
  const int fd = sockets.route.number();
  if (auto error = read_links(fd, facts.links)) return error;
  if (auto error = read_qdiscs(fd, facts.qdiscs)) return error;
  if (auto error = read_rules(fd, facts.rules)) return error;
  if (auto error = read_routes(fd, own_route_protocol, facts.routes)) return error;
  if (sockets.netfilter.is_open()) read_nft_tables(sockets.netfilter.number(), facts.nft_tables);
  return facts;
}

}  // namespace dvr
