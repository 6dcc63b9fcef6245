// The flow cache beside the pipeline alone: packets of one flow, each a little different from the one before, on
// tables that may change between them.
//   byte 0 tables · 1 port or tunnel · 2 outer TOS · 3 VTEP · 4 offload (+3 bytes) · 5 how many bytes of choices,
//   those bytes · then the frame
#include "../native/flow_twin.hpp"
#include "input.hpp"

namespace {

// The dice of become_next, thrown by the input.
struct Choices {
  dvr::test::Input input;
  uint8_t byte() { return input.byte(); }
  uint32_t below(uint32_t limit) { return limit == 0 ? 0 : (limit > 256 ? input.number() : input.byte()) % limit; }
};

// The next version of one dataplane's tables, whatever rows they had before.
dvr::Tables next_version(const dvr::Tables& rows) {
  static uint64_t versions = 0;
  dvr::Tables next = rows;
  next.version = ++versions;
  return next;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace dvr::test;
  static const dvr::IpAddr kVteps[] = {kVtep1, kVtep2, kLeaf, "172.16.0.2"_ip, "192.0.2.1"_ip};
  constexpr int kPackets = 6;
  if (bytes > 8192) return -1;

  Input input(data, bytes);
  dvr::Tables tables = next_version(tables_of(input.byte()));
  Arrival arrival = port_of(input.byte());
  arrival.tos = input.byte();
  arrival.vtep = kVteps[input.byte() % std::size(kVteps)];
  arrival.tailroom = tailroom_of(arrival);
  arrival.offload = offload_of(input);
  const size_t choice_bytes = input.byte();
  const Bytes rest = input.rest();
  const size_t chosen = std::min(choice_bytes, rest.size());
  Choices choices{{rest.data(), chosen}};
  Bytes frame(rest.begin() + static_cast<ptrdiff_t>(chosen), rest.end());

  static FlowTwins twins;  // as a worker's, it has the flows of inputs before
  for (int count = 0; count < kPackets; ++count) {
    must_hold(twins.send(tables, arrival, frame));
    if (count > 0) become_next(choices, arrival, frame);
    if (choices.below(8) == 7) tables = next_version(tables_of(choices.byte()));
  }
  return 0;
}
