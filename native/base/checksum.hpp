// The Internet checksum (RFC 1071): sums kept as 64-bit accumulators of 16-bit words in wire order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/bytes.hpp"

namespace dvr {

// Adds `bytes` to `sum`. The bytes must start at an even offset of what is summed.
inline uint64_t checksum_add(uint64_t sum, std::span<const uint8_t> bytes) {
  // Native-order 32-bit words: one's complement sums do not care about byte order until the end
  // (RFC 1071 section 2(B)), so the words are swapped once, after folding.
  uint64_t native = 0;
  size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    uint32_t word;
    std::memcpy(&word, bytes.data() + at, 4);
    native += word;
  }
  uint8_t tail[4] = {};
  if (at < bytes.size()) std::memcpy(tail, bytes.data() + at, bytes.size() - at);
  uint32_t word;
  std::memcpy(&word, tail, 4);
  native += word;
  while (native >> 16 != 0) native = (native & 0xffff) + (native >> 16);
  const auto folded = static_cast<uint16_t>(native);
  return sum + static_cast<uint16_t>(folded << 8 | folded >> 8);
}

constexpr uint64_t checksum_add16(uint64_t sum, uint16_t value) { return sum + value; }

// Folds to 16 bits without complementing: what a device wants in the field of an unfinished checksum.
constexpr uint16_t checksum_fold(uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

constexpr uint16_t checksum_finish(uint64_t sum) { return static_cast<uint16_t>(~checksum_fold(sum)); }

// The checksum after one 16-bit word of what it covers changed (RFC 1624 equation 3).
constexpr uint16_t checksum_replace(uint16_t checksum, uint16_t before, uint16_t after) {
  return checksum_finish(static_cast<uint64_t>(static_cast<uint16_t>(~checksum)) +
                         static_cast<uint16_t>(~before) + after);
}

}  // namespace dvr
