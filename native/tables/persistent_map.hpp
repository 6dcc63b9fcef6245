// A hash map of which many versions exist at once and share what they have in common: a shallow tree
// whose leaves are blocks of rows, made for reading.
//
//   map --> directory --> directory --> block        7 bits of the hash, from the top, choose the way
//           128 ways      128 ways      80 rows      in a directory; its low bits the slot in a block
//
// Up to 80 rows are one block, which the map points to; a block that is full becomes a directory of smaller
// ones, so that two directories reach past a million rows. Links carry the size of the block they lead to: a
// lookup reads one link a level and then the slot itself. With a million rows the slot is the one
// cache miss; the second level of directories (128 KiB) is found in the second-level cache.
// A row takes 1.6 to 4 slots in a table of some size, and up to 128 bytes where blocks were split just now;
// the FDB's slot has 28 bytes, and a million of its rows take 60 MB.
//
// Copying a map is one more reference to its root. A change then copies the way to its row (two
// directories of 1 KiB and a block) and shares the rest; what this map alone refers to is changed in place,
// so that a batch of any size copies nothing twice and a table built anew copies nothing at all.
//
// Threads: made, copied, changed and dropped by the writer alone, so that references need no atomics;
// read by any number of threads between publication and reclamation (published.hpp). Dropping a version
// frees what no other version shares.
//
// Bounds: Limit rows, and kMostAlike rows whose hashes agree in their 49 highest bits (only somebody who
// chose the keys for it gets there: such a row costs a long probe, so they are few). `put` answers false at
// both and changes nothing.
#pragma once

#include <array>
#include <utility>

#include "tables/hash.hpp"
#include "tables/row_block.hpp"

namespace dvr {

struct HashOfKey {
  template <class Key>
  uint64_t operator()(const Key& key) const {
    return hash_of(key);
  }
};

template <class Key, class Value, size_t Limit, class Hash = HashOfKey>
class PersistentMap {
  using Block = RowBlock<Key, Value>;

 public:
  using KeyType = Key;
  using ValueType = Value;
  static constexpr size_t kLimit = Limit;
  static constexpr unsigned kWayBits = 7;
  static constexpr size_t kWays = size_t{1} << kWayBits;
  static constexpr unsigned kLevels = 7;              // of directories, at most: 49 bits
  static constexpr unsigned kLog2SlotsAtTheRoot = 4;  // at least: a table of a few rows is read most
  static constexpr unsigned kLog2Slots = 7;           // of a block that is split when it is full
  static constexpr unsigned kLog2SlotsAtTheEnd = 12;  // of one below the last level, which cannot be
  static constexpr size_t kMostAlike = Block::most_rows(kLog2SlotsAtTheEnd);
  // Directories with no more rows than this become one block again: half of what a block is split at, so
  // that a row that comes and goes does not split and join.
  static constexpr size_t kJoinedRows = Block::most_rows(kLog2Slots) / 2;

  PersistentMap() = default;
  PersistentMap(const PersistentMap& other) : root_(other.root_), size_(other.size_) { root_.retain(); }
  PersistentMap(PersistentMap&& other) noexcept { swap(other); }
  PersistentMap& operator=(PersistentMap other) noexcept {
    swap(other);
    return *this;
  }
  ~PersistentMap() { root_.release(); }

  size_t size() const { return size_; }

  const Value* find(const Key& key) const {
    if (root_.is_empty()) return nullptr;
    const uint64_t hash = Hash()(key);
    Link link = root_;
    for (unsigned level = 0; link.is_directory(); ++level) link = link.directory()->ways[way_of(hash, level)];
    return link.is_empty() ? nullptr : link.block()->find(hash, key, link.log2_slots());
  }

  // Adds the row, or replaces the value of the row with this key. False: there is no room for it.
  bool put(const Key& key, const Value& value) {
    const bool is_new = find(key) == nullptr;
    if (is_new && size_ == Limit) return false;
    if (!put_below(root_, 0, Row{Hash()(key), key, value, is_new})) return false;
    size_ += is_new;
    return true;
  }

  // Removes the row; false if there was none.
  bool erase(const Key& key) {
    if (find(key) == nullptr) return false;
    erase_below(root_, 0, Hash()(key), key);
    --size_;
    return true;
  }

  template <class Visitor>
  void for_each(Visitor&& visit) const {
    root_.for_each(visit);
  }

  bool shares_all_with(const PersistentMap& other) const { return root_ == other.root_; }

  // Bytes that this map has had allocated since it was made, or made as a copy: what a change costs.
  size_t allocated_bytes() const { return allocated_bytes_; }

  // Bytes of all nodes, shared or not: what the map takes if it is alone.
  size_t memory_bytes() const { return root_.memory_bytes(); }

 private:
  struct Directory;

  // Where a node is, and in the lowest four bits what it is: 0 a directory (or nothing), else a block of
  // two to that power slots. operator new aligns by 16, which leaves those bits free.
  class Link {
   public:
    Link() = default;
    explicit Link(Directory* directory) : bits_(reinterpret_cast<uintptr_t>(directory)) {}
    explicit Link(Block* block) : bits_(reinterpret_cast<uintptr_t>(block) | block->log2_slots()) {}

    bool operator==(const Link&) const = default;
    bool is_empty() const { return bits_ == 0; }
    bool is_directory() const { return log2_slots() == 0 && !is_empty(); }
    unsigned log2_slots() const { return bits_ & kKindMask; }
    Directory* directory() const { return reinterpret_cast<Directory*>(bits_); }
    Block* block() const { return reinterpret_cast<Block*>(bits_ & ~kKindMask); }

    uint32_t& references() const { return is_directory() ? directory()->references : block()->references; }
    void retain() const {
      if (!is_empty()) ++references();
    }
    void release() const {
      if (is_empty() || --references() != 0) return;
      if (is_directory()) {
        for (const Link way : directory()->ways) way.release();
        delete directory();
      } else {
        Block::free(block());
      }
    }
    size_t rows() const { return is_empty() ? 0 : is_directory() ? directory()->rows : block()->rows(); }
    size_t own_bytes() const { return is_directory() ? sizeof(Directory) : Block::bytes_of(log2_slots()); }
    size_t memory_bytes() const {
      if (is_empty()) return 0;
      size_t bytes = own_bytes();
      if (is_directory())
        for (const Link way : directory()->ways) bytes += way.memory_bytes();
      return bytes;
    }
    template <class Visitor>
    void for_each(Visitor&& visit) const {
      if (is_empty()) return;
      if (!is_directory()) return block()->for_each(visit);
      for (const Link way : directory()->ways) way.for_each(visit);
    }

   private:
    static constexpr uintptr_t kKindMask = 15;
    static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ > kKindMask && kLog2SlotsAtTheEnd <= kKindMask);
    uintptr_t bits_ = 0;
  };

  struct Directory {
    uint32_t references = 1;
    uint32_t rows = 0;  // below it
    std::array<Link, kWays> ways{};
  };

  struct Row {
    uint64_t hash;
    const Key& key;
    const Value& value;
    bool is_new;
  };

  static size_t way_of(uint64_t hash, unsigned level) {
    return hash >> (64 - kWayBits * (level + 1)) & (kWays - 1);
  }

  void swap(PersistentMap& other) {
    std::swap(root_, other.root_);
    std::swap(size_, other.size_);
    std::swap(allocated_bytes_, other.allocated_bytes_);
  }

  template <class Node>
  Link allocated(Node* node) {
    const Link link(node);
    allocated_bytes_ += link.own_bytes();
    return link;
  }

  // Makes the link this map's own: what other versions share is copied. Its owner is this map's own.
  void own(Link& link) {
    if (link.references() == 1) return;
    Link copy;
    if (link.is_directory()) {
      for (const Link way : link.directory()->ways) way.retain();
      copy = allocated(new Directory(*link.directory()));
      copy.references() = 1;
    } else {
      copy = allocated(link.block()->copy());
    }
    replace(link, copy);
  }

  static void replace(Link& link, Link by) {
    link.release();
    link = by;
  }

  bool put_below(Link& link, unsigned level, const Row& row) {
    if (link.is_empty()) link = allocated(Block::make(least_log2_slots(level)));
    const bool lacks_room = !link.is_directory() && row.is_new && link.block()->is_full();
    if (lacks_room && !make_room(link, level)) return false;
    own(link);
    if (link.is_directory()) {
      Directory& directory = *link.directory();
      if (!put_below(directory.ways[way_of(row.hash, level)], level + 1, row)) return false;
      directory.rows += row.is_new;
    } else if (row.is_new) {
      link.block()->add(row.hash, row.key, row.value);
    } else {
      link.block()->at(row.hash, row.key) = row.value;
    }
    return true;
  }

  // Turns a full block into a larger one or, where it is as large as they get, into a directory.
  bool make_room(Link& link, unsigned level) {
    const unsigned log2_slots = link.log2_slots();
    if (log2_slots < kLog2Slots || (level == kLevels && log2_slots < kLog2SlotsAtTheEnd)) {
      resize(link, log2_slots + 1);
    } else if (level < kLevels) {
      split(link, level);
    } else {
      return false;
    }
    return true;
  }

  void resize(Link& link, unsigned log2_slots) {
    const Link resized = allocated(Block::make(log2_slots));
    link.for_each([&, block = resized.block()](const Key& key, const Value& value) {
      block->add(Hash()(key), key, value);
    });
    replace(link, resized);
  }

  void split(Link& link, unsigned level) {
    Link parts = allocated(new Directory);
    link.for_each([&](const Key& key, const Value& value) {
      put_below(parts, level, Row{Hash()(key), key, value, true});
    });
    replace(link, parts);
  }

  // The key is there.
  void erase_below(Link& link, unsigned level, uint64_t hash, const Key& key) {
    own(link);
    if (link.is_directory()) {
      Directory& directory = *link.directory();
      erase_below(directory.ways[way_of(hash, level)], level + 1, hash, key);
      if (--directory.rows <= kJoinedRows) resize(link, log2_slots_for(directory.rows, level));
    } else {
      Block& block = *link.block();
      block.erase(key, Hash());
      if (block.rows() == 0) {
        replace(link, Link());
      } else if (block.rows() * 4 <= Block::most_rows(link.log2_slots()) &&
                 link.log2_slots() > least_log2_slots(level)) {
        resize(link, link.log2_slots() - 1);
      }
    }
  }

  static unsigned least_log2_slots(unsigned level) { return level == 0 ? kLog2SlotsAtTheRoot : 1; }
  static unsigned log2_slots_for(size_t rows, unsigned level) {
    unsigned log2_slots = least_log2_slots(level);
    while (Block::most_rows(log2_slots) < rows) ++log2_slots;
    return log2_slots;
  }

  Link root_;
  size_t size_ = 0;
  size_t allocated_bytes_ = 0;
};

}  // namespace dvr
