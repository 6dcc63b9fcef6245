// A block of rows: open addressing with linear probing in one allocation, made for reading. The leaves
// of persistent_map.hpp; a small table is one block and nothing else.
//
//   +------------+------+------------+--------+--------+-- -- --+--------+
//   | references | rows | log2 slots | slot 0 | slot 1 |        | 2^n-1  |   slot: key, value, used
//   +------------+------+------------+--------+--------+-- -- --+--------+
//
// A block is changed only while one map of the writer is all that refers to it; once it is published
// readers look at slots alone, whose number they know from the link, so that a lookup touches only the
// slots it probes. References are counted by the writer and read by nobody else: they need no atomics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace dvr {

template <class Key, class Value>
class RowBlock {
 public:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };
  static_assert(std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<Value>);

  // At most five eighths of the slots are taken, so that a probe ends soon, and ends.
  static constexpr size_t most_rows(unsigned log2_slots) { return (size_t{5} << log2_slots) / 8; }
  static constexpr size_t bytes_of(unsigned log2_slots) {
    return sizeof(RowBlock) + (sizeof(Slot) << log2_slots);
  }

  static RowBlock* make(unsigned log2_slots) {
    static_assert(sizeof(RowBlock) % alignof(Slot) == 0);
    auto* block = new (::operator new(bytes_of(log2_slots))) RowBlock(log2_slots);
    std::uninitialized_default_construct_n(block->slots(), block->slot_count());
    return block;
  }
  static void free(RowBlock* block) { ::operator delete(block); }

  RowBlock* copy() const {
    auto* block = new (::operator new(bytes_of(log2_slots_))) RowBlock(log2_slots_);
    std::memcpy(static_cast<void*>(block->slots()), slots(), sizeof(Slot) << log2_slots_);
    block->rows_ = rows_;
    return block;
  }

  // The value of the key, or nothing. The caller knows the number of slots, so that the head is not read.
  const Value* find(uint64_t hash, const Key& key, unsigned log2_slots) const {
    const Slot& slot = slots()[index_of(hash, key, (size_t{1} << log2_slots) - 1)];
    return slot.used ? &slot.value : nullptr;
  }

  // The value of a key that is here, to be changed.
  Value& at(uint64_t hash, const Key& key) { return slots()[index_of(hash, key, mask())].value; }

  // Adds a row whose key is not here; the block has room for it.
  void add(uint64_t hash, const Key& key, const Value& value) {
    size_t at = hash & mask();
    while (slots()[at].used) at = (at + 1) & mask();
    slots()[at] = Slot{key, value, true};
    ++rows_;
  }

  // Removes the row of a key that is here. Later rows of the same run are moved back, so that no grave
  // marks remain and lookups stay short however often rows come and go.
  template <class Hash>
  void erase(const Key& key, Hash&& hash_of_key) {
    size_t hole = index_of(hash_of_key(key), key, mask());
    for (size_t at = (hole + 1) & mask(); slots()[at].used; at = (at + 1) & mask()) {
      const size_t home = hash_of_key(slots()[at].key) & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;
      slots()[hole] = slots()[at];
      hole = at;
    }
    slots()[hole] = Slot{};
    --rows_;
  }

  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (size_t at = 0; at < slot_count(); ++at)
      if (slots()[at].used) visit(slots()[at].key, slots()[at].value);
  }

  size_t rows() const { return rows_; }
  unsigned log2_slots() const { return log2_slots_; }
  bool is_full() const { return rows_ == most_rows(log2_slots_); }

  uint32_t references = 1;

 private:
  explicit RowBlock(unsigned log2_slots) : log2_slots_(static_cast<uint16_t>(log2_slots)) {}

  // The slot of the key, or the free one where the probe for it ends.
  size_t index_of(uint64_t hash, const Key& key, size_t mask) const {
    size_t at = hash & mask;
    while (slots()[at].used && std::memcmp(&slots()[at].key, &key, sizeof key) != 0) at = (at + 1) & mask;
    return at;
  }

  size_t slot_count() const { return size_t{1} << log2_slots_; }
  size_t mask() const { return slot_count() - 1; }
  const Slot* slots() const { return reinterpret_cast<const Slot*>(this + 1); }
  Slot* slots() { return reinterpret_cast<Slot*>(this + 1); }

  uint16_t rows_ = 0;
  uint16_t log2_slots_;
};

}  // namespace dvr
