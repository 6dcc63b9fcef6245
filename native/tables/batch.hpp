// A batch of row changes as one binary buffer, all or nothing: decode, check, make the next version.
//
//   offset  bytes  field (integers little-endian; MACs and IPs in wire order)
//   0       4      magic "DVRB"
//   4       2      version, 1
//   6       2      zero
//   8       8      generation of the view the rows were derived from
//   16             operations, one after the other:
//     0     1      1 put · 2 delete · 3 clear the table
//     1     1      the table's number (its place in AllRows)
//     2     n      key fields, then for put the value fields, in the order of rows.hpp, packed
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "tables/tables.hpp"

namespace dvr {

inline constexpr size_t kBatchHeaderBytes = 16;
inline constexpr size_t kMaxBatchBytes = 64u << 20;  // a million rows; a larger batch is refused whole

struct BatchResult {
  std::unique_ptr<const Tables> tables;  // null: refused, nothing changed
  std::string error;                     // says which operation and why
  uint32_t operations = 0;
};

BatchResult apply_batch(const Tables& before, std::span<const uint8_t> batch);

}  // namespace dvr
