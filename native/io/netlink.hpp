// Asking the kernel by netlink: a request, and an answer of many messages with attributes in them. Control
// path only: it waits for the kernel's answer, which comes at once.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>

#include "io/fd.hpp"
#include "io/system_error.hpp"

namespace dvr {

// A netlink socket of the calling thread's namespace that hears the groups; it may be read from anywhere.
Result<Fd> open_netlink(int protocol, std::initializer_list<unsigned> groups = {});

using OnMessage = std::function<void(const nlmsghdr&)>;

// Sends the request as a dump and gives every message of the answer. `about` is for the error.
SystemError netlink_dump(int fd, nlmsghdr& request, const char* about, const OnMessage& on_message);

// The request "dump all of this type", whose own header says whatever is left empty.
template <class Header>
SystemError netlink_dump(int fd, uint16_t type, const Header& header, const char* about,
                         const OnMessage& on_message) {
  struct {
    nlmsghdr message{};
    Header header;
  } request{{}, header};
  request.message.nlmsg_len = NLMSG_LENGTH(sizeof header);
  request.message.nlmsg_type = type;
  return netlink_dump(fd, request.message, about, on_message);
}

// The header behind a message's own; zeros where the message is too short for one.
template <class Header>
Header header_of(const nlmsghdr& message) {
  Header header{};
  if (message.nlmsg_len >= NLMSG_LENGTH(sizeof header)) std::memcpy(&header, NLMSG_DATA(&message), sizeof header);
  return header;
}

// An attribute's value, bounded by its length.
class Attribute {
 public:
  explicit Attribute(const rtattr* at = nullptr) : at_(at) {}

  explicit operator bool() const { return at_ != nullptr; }
  size_t bytes() const { return at_ == nullptr ? 0 : RTA_PAYLOAD(at_); }
  const void* data() const { return RTA_DATA(at_); }
  // The value as a T; zero where it is not there or too short.
  template <class T>
  T as() const {
    T value{};
    if (bytes() >= sizeof value) std::memcpy(&value, data(), sizeof value);
    return value;
  }
  // Text ends at its length or at its first zero.
  std::string text() const;
  // The first attribute of this type inside this one.
  Attribute inside(unsigned type) const;

 private:
  const rtattr* at_;
};

// The first attribute of this type behind the message's own header of so many bytes.
Attribute attribute_of(const nlmsghdr& message, size_t header_bytes, unsigned type);

}  // namespace dvr
