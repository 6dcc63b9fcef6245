// A hash map with open addressing and linear probing, made for reading: one array, no pointers.
// Built and changed by the one writer only, read by any number of threads once published.
// Capacity: Limit rows; insert answers false when it is reached and changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

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

template <class Key, class Value, size_t Limit>
class FlatMap {
 public:
  static constexpr size_t kLimit = Limit;

  size_t size() const { return size_; }

  const Value* find(const Key& key) const {
    const size_t at = index_of(key);
    return at == kNowhere ? nullptr : &slots_[at].value;
  }

  // Adds the row, or replaces the value of the row with this key. False: the table is full.
  bool put(const Key& key, const Value& value) {
    if (const size_t at = index_of(key); at != kNowhere) {
      slots_[at].value = value;
      return true;
    }
    if (size_ == Limit) return false;
    if ((size_ + 1) * 2 > slots_.size()) grow();
    place(key, value);
    ++size_;
    return true;
  }

  // Removes the row; false if there was none. Later rows of the same run are moved back, so that no
  // grave marks remain and lookups stay short however often rows come and go.
  bool erase(const Key& key) {
    size_t hole = index_of(key);
    if (hole == kNowhere) return false;
    for (size_t at = (hole + 1) & mask(); slots_[at].used; at = (at + 1) & mask()) {
      const size_t home = hash_of(slots_[at].key) & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = Slot{};
    --size_;
    return true;
  }

  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (const Slot& slot : slots_)
      if (slot.used) visit(slot.key, slot.value);
  }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  size_t mask() const { return slots_.size() - 1; }

  size_t index_of(const Key& key) const {
    if (slots_.empty()) return kNowhere;
    for (size_t at = hash_of(key) & mask(); slots_[at].used; at = (at + 1) & mask())
      if (slots_[at].key == key) return at;
    return kNowhere;
  }

  void place(const Key& key, const Value& value) {
    size_t at = hash_of(key) & mask();
    while (slots_[at].used) at = (at + 1) & mask();
    slots_[at] = Slot{key, value, true};
  }

  void grow() {
    std::vector<Slot> before(slots_.empty() ? 16 : slots_.size() * 2);
    before.swap(slots_);
    for (const Slot& slot : before)
      if (slot.used) place(slot.key, slot.value);
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
};

}  // namespace dvr
