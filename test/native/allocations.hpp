// Counts what operator new is asked for, in every executable that is linked with allocations.cc.
#pragma once

#include <cstdint>

namespace dvr::test {

uint64_t allocations_here();       // by this thread
uint64_t allocations_elsewhere();  // by all others

}  // namespace dvr::test
