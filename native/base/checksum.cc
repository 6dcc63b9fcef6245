#include "base/checksum.hpp"

#include <cstring>

namespace dvr {
namespace {

// One's complement sums do not care about byte order until the end (RFC 1071 section 2(B)), so words of memory are
// added as they lie and swapped once, after folding.

constexpr size_t kBlockBytes = 64;

// 64-bit words as they fit into a vector register.
using Words16 [[gnu::vector_size(16)]] = uint64_t;
using Words32 [[gnu::vector_size(32)]] = uint64_t;

// The halves of 64-bit words in 64-bit sums: they cannot overflow before 2^32 words. Several sums, so that no
// addition waits for the one before it.
template <class Words>
[[gnu::always_inline]] inline uint64_t add_blocks(const uint8_t* at, size_t blocks) {
  Words low_one{}, high_one{}, low_two{}, high_two{};
  for (size_t pairs = blocks * (kBlockBytes / 2 / sizeof(Words)); pairs > 0; --pairs, at += 2 * sizeof(Words)) {
    Words one, two;
    std::memcpy(&one, at, sizeof one);
    std::memcpy(&two, at + sizeof one, sizeof two);
    low_one += one & 0xffffffff;
    high_one += one >> 32;
    low_two += two & 0xffffffff;
    high_two += two >> 32;
  }
  const Words all = low_one + high_one + low_two + high_two;
  uint64_t sum = 0;
  for (size_t lane = 0; lane < sizeof(Words) / 8; ++lane) sum += all[lane];
  return sum;
}

using AddBlocks = uint64_t (*)(const uint8_t*, size_t);

uint64_t add_blocks_baseline(const uint8_t* at, size_t blocks) { return add_blocks<Words16>(at, blocks); }

#if defined(__x86_64__)
[[gnu::target("avx2")]] uint64_t add_blocks_avx2(const uint8_t* at, size_t blocks) {
  return add_blocks<Words32>(at, blocks);
}

AddBlocks choose() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") ? add_blocks_avx2 : add_blocks_baseline;
}
#else
AddBlocks choose() { return add_blocks_baseline; }
#endif

// Chosen once, before main or when the addon is loaded, and never changed.
const AddBlocks add_blocks_here = choose();

template <class Word>
uint64_t load(const uint8_t* at, size_t bytes = sizeof(Word)) {
  Word word = 0;
  std::memcpy(&word, at, bytes);
  return word;
}

// What is shorter than a block. A last single byte is the first of a word whose other is zero.
uint64_t add_tail(const uint8_t* at, size_t bytes) {
  uint64_t sum = 0;
  for (; bytes >= 8; bytes -= 8, at += 8) sum += load<uint32_t>(at) + load<uint32_t>(at + 4);
  if ((bytes & 4) != 0) sum += load<uint32_t>(at), at += 4;
  if ((bytes & 2) != 0) sum += load<uint16_t>(at), at += 2;
  if ((bytes & 1) != 0) sum += load<uint16_t>(at, 1);
  return sum;
}

uint64_t add(uint64_t sum, std::span<const uint8_t> bytes, AddBlocks add_all) {
  const size_t blocks = bytes.size() / kBlockBytes;
  uint64_t native = add_tail(bytes.data() + blocks * kBlockBytes, bytes.size() % kBlockBytes);
  if (blocks > 0) native += add_all(bytes.data(), blocks);
  while (native >> 16 != 0) native = (native & 0xffff) + (native >> 16);
  const auto folded = static_cast<uint16_t>(native);
  return sum + static_cast<uint16_t>(folded << 8 | folded >> 8);
}

}  // namespace

uint64_t checksum_add(uint64_t sum, std::span<const uint8_t> bytes) { return add(sum, bytes, add_blocks_here); }

uint64_t checksum_add_baseline(uint64_t sum, std::span<const uint8_t> bytes) {
  return add(sum, bytes, add_blocks_baseline);
}

}  // namespace dvr
