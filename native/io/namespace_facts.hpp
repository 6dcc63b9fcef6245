// What in a network namespace may touch a packet beside plain routes and neighbours: promiscuous links, XDP
// programs, tc qdiscs, policy rules, routes that others made, nft tables, iptables of the old kind. The agent
// asks it of router namespaces; src/namespaces/foreign.ts says which of it is not ours.
#pragma once

#include <string>
#include <vector>

#include "io/fd.hpp"
#include "io/system_error.hpp"

namespace dvr {

struct LinkFact {
  unsigned ifindex = 0;
  std::string name;
  bool promiscuous = false;
  bool xdp = false;
};

// Handle 0: the kernel's own, which every device is born with.
struct QdiscFact {
  unsigned ifindex = 0;
  std::string kind;
  unsigned handle = 0;
};

struct RuleFact {
  unsigned family = 0;  // AF_INET or AF_INET6
  unsigned priority = 0;
  unsigned protocol = 0;  // who made it: RTPROT_*
};

struct RouteFact {
  std::string destination;  // "10.9.0.0/16"
  unsigned protocol = 0;
};

struct TableFact {
  unsigned family = 0;  // NFPROTO_*
  std::string name;
};

struct NamespaceFacts {
  std::vector<LinkFact> links;
  std::vector<QdiscFact> qdiscs;
  std::vector<RuleFact> rules;
  std::vector<RouteFact> routes;        // not the kernel's, and not of the protocol that was given
  std::vector<TableFact> nft_tables;
  std::vector<std::string> xtables;     // "filter", as /proc/net/ip_tables_names has it
};

// Of each kind so many at most: one is enough to know that there is something.
constexpr size_t kMostFactsOfAKind = 4096;

// Whether a route of this protocol was made by the kernel itself, out of addresses and advertisements.
bool is_route_of_kernel(unsigned protocol);

// Reads all of it anew, some 100 µs. What this kernel has not (no nf_tables) is empty.
Result<NamespaceFacts> namespace_facts(const Fd& netns, unsigned own_route_protocol);

}  // namespace dvr
