// Nothing on the packet path allocates: here what the bench measures, in worker_test.cc a worker with real devices.
#include "allocations.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "../bench/native/bench.hpp"

using namespace dvr;
using namespace dvr::test;

TEST_CASE("Operator new is counted, by this thread and by others") {
  const uint64_t here = allocations_here(), elsewhere = allocations_elsewhere();
  bench::keep(std::make_unique<int>(7).get());
  CHECK(allocations_here() == here + 1);
  CHECK(allocations_elsewhere() == elsewhere);
  std::thread([] { bench::keep(std::make_unique<int>(7).get()); }).join();
  CHECK(allocations_elsewhere() > elsewhere);
}

TEST_CASE("No stage, no passage, and nothing that joins, cuts or sums packets allocates") {
  size_t cases = 0;
  for (const bench::Group& group : bench::groups())
    for (const bench::Case& bench : group.make()) {
      CAPTURE(bench.name);
      bench.prepare();
      const uint64_t before = allocations_here();
      bench.run();
      CHECK(allocations_here() == before);
      ++cases;
    }
  CHECK(cases > 20);
}
