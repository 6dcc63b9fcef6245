// Writes JSON text for the control plane's dumps: addresses as text, bytes as base64. Never on the
// packet path. Strings written here are our own names; they need no escaping.
#pragma once

#include <arpa/inet.h>

#include <cstdio>
#include <span>
#include <string>

#include "base/types.hpp"

namespace dvr {

inline std::string text_of(const MacAddr& mac) {
  char text[18];
  const auto& b = mac.bytes;
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
  return text;
}

// RFC 5952 text; any is "".
inline std::string text_of(const IpAddr& ip) {
  if (ip.is_any()) return "";
  char text[INET6_ADDRSTRLEN];
  if (ip.is_v4())
    inet_ntop(AF_INET, ip.v4_bytes(), text, sizeof text);
  else
    inet_ntop(AF_INET6, ip.bytes.data(), text, sizeof text);
  return text;
}

inline std::string base64_of(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t left = bytes.size() - at;
    const uint32_t word = static_cast<uint32_t>(bytes[at]) << 16 |
                          (left > 1 ? static_cast<uint32_t>(bytes[at + 1]) << 8 : 0) | (left > 2 ? bytes[at + 2] : 0);
    text += kDigits[word >> 18];
    text += kDigits[word >> 12 & 63];
    text += left > 1 ? kDigits[word >> 6 & 63] : '=';
    text += left > 2 ? kDigits[word & 63] : '=';
  }
  return text;
}

// Builds one object or array; commas are put in by itself.
class JsonWriter {
 public:
  std::string take() { return std::move(text_); }

  JsonWriter& open(char bracket) { return comma(), text_ += bracket, fresh_ = true, *this; }
  JsonWriter& close(char bracket) { return text_ += bracket, fresh_ = false, *this; }
  JsonWriter& name(const char* name) {
    comma();
    text_ += '"';
    text_ += name;
    text_ += "\":";
    fresh_ = true;
    return *this;
  }
  JsonWriter& string(const std::string& value) { return comma(), text_ += '"' + value + '"', *this; }
  JsonWriter& number(uint64_t value) { return comma(), text_ += std::to_string(value), *this; }
  JsonWriter& boolean(bool value) { return comma(), text_ += value ? "true" : "false", *this; }

 private:
  void comma() {
    if (!fresh_) text_ += ',';
    fresh_ = false;
  }
  std::string text_;
  bool fresh_ = true;
};

}  // namespace dvr
