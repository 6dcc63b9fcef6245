#include "io/netlink.hpp"

#include <sys/socket.h>

#include <memory>

namespace dvr {
namespace {

constexpr size_t kAnswerBytes = 32768;  // what the kernel fills at most per read of a dump

Attribute find(const rtattr* first, size_t bytes, unsigned type) {
  auto left = static_cast<unsigned>(bytes);
  for (const rtattr* at = first; RTA_OK(at, left); at = RTA_NEXT(at, left))
    if ((at->rta_type & NLA_TYPE_MASK) == type) return Attribute(at);
  return Attribute();
}

// True: the dump has ended, well or with an error.
bool read_part(const char* part, ssize_t bytes, const char* about, const OnMessage& on_message,
               SystemError& error) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(part);
  auto left = static_cast<unsigned>(bytes);
  for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_type == NLMSG_DONE) return true;
    if (message->nlmsg_type == NLMSG_ERROR) {
      error = {-header_of<nlmsgerr>(*message).error, "recv(netlink)", about};
      return true;
    }
    on_message(*message);
  }
  return false;
}

}  // namespace

std::string Attribute::text() const {
  if (at_ == nullptr) return {};
  const auto* begin = static_cast<const char*>(data());
  return std::string(begin, strnlen(begin, bytes()));
}

Attribute Attribute::inside(unsigned type) const {
  return at_ == nullptr ? Attribute() : find(static_cast<const rtattr*>(data()), bytes(), type);
}

Attribute attribute_of(const nlmsghdr& message, size_t header_bytes, unsigned type) {
  const size_t before = NLMSG_LENGTH(NLMSG_ALIGN(header_bytes));
  if (message.nlmsg_len < before) return Attribute();
  const auto* first = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(&message) + before);
  return find(first, message.nlmsg_len - before, type);
}

Result<Fd> open_netlink(int protocol, std::initializer_list<unsigned> groups) {
  Fd fd{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)};
  if (!fd.is_open()) return failed("socket(AF_NETLINK)", std::to_string(protocol));
  // A socket without an address of its own gets no copies of what the kernel says to groups.
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return failed("bind(AF_NETLINK)", std::to_string(protocol));
  for (const unsigned group : groups)
    if (setsockopt(fd.number(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
      return failed("setsockopt(NETLINK_ADD_MEMBERSHIP)", std::to_string(group));
  return fd;
}

SystemError netlink_dump(int fd, nlmsghdr& request, const char* about, const OnMessage& on_message) {
  request.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  if (send(fd, &request, request.nlmsg_len, 0) < 0) return failed("send(netlink)", about);
  // Not zeroed: most answers are a few bytes, and the rest of it stays out of the caches.
  const auto part = std::make_unique_for_overwrite<char[]>(kAnswerBytes);
  SystemError error;
  for (;;) {
    const ssize_t bytes = recv(fd, part.get(), kAnswerBytes, 0);
    if (bytes < 0) return failed("recv(netlink)", about);
    if (read_part(part.get(), bytes, about, on_message, error)) return error;
  }
}

}  // namespace dvr
