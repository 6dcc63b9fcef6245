// Between our 16-byte addresses and the kernel's socket addresses. IPv4 is mapped in an IpAddr, but sockets
// here are of one family, so that each sends and receives that family's own packets.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/types.hpp"

namespace dvr {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

inline SocketAddress socket_address(const IpAddr& ip, uint16_t port) {
  SocketAddress address;
  if (ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip.v4_bytes(), 4);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.bytes = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, ip.bytes.data(), 16);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.bytes = sizeof v6;
  }
  return address;
}

inline IpAddr ip_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return IpAddr::v4(reinterpret_cast<const uint8_t*>(&v4.sin_addr));
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  return IpAddr::v6(v6.sin6_addr.s6_addr);
}

inline uint16_t port_of(const sockaddr_storage& storage) {
  sockaddr_in v4;  // the port stands at the same place in both families
  std::memcpy(&v4, &storage, sizeof v4);
  return ntohs(v4.sin_port);
}

}  // namespace dvr
