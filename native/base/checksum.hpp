// The Internet checksum (RFC 1071): sums kept as 64-bit accumulators of 16-bit words in wire order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"

namespace dvr {

// Adds `bytes` to `sum`. The bytes must start at an even offset of what is summed.
uint64_t checksum_add(uint64_t sum, std::span<const uint8_t> bytes);

// The same where the processor has no wider registers than this build may count on: for the test.
uint64_t checksum_add_baseline(uint64_t sum, std::span<const uint8_t> bytes);

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

// What took one checksum to the other, and the same done to the checksum of another header of which the same words
// changed: to the bit what checksum_replace makes of it, since a header's words are never all zero. 0: nothing changed.
constexpr uint16_t checksum_change(uint16_t before, uint16_t after) {
  return before == after ? uint16_t{0} : checksum_fold(static_cast<uint64_t>(static_cast<uint16_t>(~after)) + before);
}
constexpr uint16_t checksum_changed(uint16_t checksum, uint16_t change) {
  return change == 0 ? checksum
                     : checksum_finish(static_cast<uint64_t>(static_cast<uint16_t>(~checksum)) + change);
}

}  // namespace dvr
