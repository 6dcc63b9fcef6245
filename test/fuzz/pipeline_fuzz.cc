// The whole pipeline, by both of its entries: whatever comes in, invariants.hpp holds.
//   byte 0 tables · 1 port or tunnel · 2 outer TOS · 3 VTEP · 4 offload (+3 bytes) · then the frame
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace dvr::test;
  static const dvr::IpAddr kVteps[] = {kVtep1, kVtep2, kLeaf, "172.16.0.2"_ip, "192.0.2.1"_ip};
  if (bytes > dvr::kMaxFrameBytes) return -1;

  Input input(data, bytes);
  const dvr::Tables& tables = tables_of(input.byte());
  Arrival arrival = port_of(input.byte());
  arrival.tos = input.byte();
  arrival.vtep = kVteps[input.byte() % std::size(kVteps)];
  arrival.tailroom = tailroom_of(arrival);
  arrival.offload = offload_of(input);
  const Bytes frame = input.rest();
  const Walk walked = walk(tables, arrival, frame);
  must_hold(broken_passage({tables, arrival, frame, walked}));
  return 0;
}
