// Batches of anything: refused with a word why, or applied whole; what is applied can be dumped, derives
// what the slow way derives, and is the same again when its rows are put into empty tables.
//   byte 0: bit 0 the tables before are cn1's, else empty · bit 1 the bytes are the whole batch, else only
//   its operations · then the batch
#include "input.hpp"
#include "tables/dump.hpp"

namespace dvr::test {
namespace {

template <class Row>
void put_rows(Batch& batch, const Tables& tables) {
  tables.of<Row>().for_each([&](const auto& key, const auto& value) { batch.put<Row>(key, value); });
}

template <class Row>
bool has_same_rows(const Tables& one, const Tables& other) {
  bool same = one.of<Row>().size() == other.of<Row>().size();
  one.of<Row>().for_each(
      [&](const auto& key, const auto&) { same = same && other.find<Row>(key) != nullptr; });
  return same;
}

template <class... Row>
Broken broken_copy(const Tables& tables, std::tuple<Row...>*) {
  Batch batch(tables.generation);
  (put_rows<Row>(batch, tables), ...);
  const auto copy = batch.on_nothing();
  return (has_same_rows<Row>(tables, *copy) && ...) ? nullptr : "tables put again are not the same";
}

Broken broken_result(const BatchResult& result) {
  if (result.tables == nullptr) return result.error.empty() ? "a batch was refused without a word" : nullptr;
  if (!result.error.empty()) return "a batch was applied with an error";
  if (dump_json(*result.tables).size() < 2) return "the dump is empty";
  if (const Broken broken = broken_derivation(*result.tables)) return broken;
  return broken_copy(*result.tables, static_cast<AllRows*>(nullptr));
}

}  // namespace
}  // namespace dvr::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace dvr::test;
  static const dvr::Tables empty;
  Input input(data, bytes);
  const uint8_t flags = input.byte();
  Bytes batch = input.rest();
  if ((flags & 2) == 0) batch = joined(Batch(1).bytes(), batch);
  must_hold(broken_result(dvr::apply_batch((flags & 1) != 0 ? *cn1() : empty, batch)));
  return 0;
}
