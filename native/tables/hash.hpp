// The hash of a key: of rows in the tables, of flows in vxlan_encap. Deterministic, so that the same rows
// lie in the same places after every start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace dvr {

// FNV-1a over 8-byte words, then a finaliser: keys here are 2 to 32 bytes with no padding.
template <class Key>
uint64_t hash_of(const Key& key) {
  static_assert(std::has_unique_object_representations_v<Key>, "a key must have no padding bytes");
  const auto* bytes = reinterpret_cast<const unsigned char*>(&key);
  uint64_t hash = 0xcbf29ce484222325u;
  size_t at = 0;
  for (; at + 8 <= sizeof(Key); at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + at, 8);
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    hash ^= hash >> 32;
  }
  uint64_t tail = 0;
  std::memcpy(&tail, bytes + at, sizeof(Key) - at);
  hash = (hash ^ tail) * 0x9fb21c651e98df25u;
  return hash ^ hash >> 29;
}

}  // namespace dvr
