#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<uint64_t> all_allocations{0};
thread_local uint64_t allocations_of_thread = 0;

void* counted(void* memory) {
  ++all_allocations;
  ++allocations_of_thread;
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

namespace dvr::test {

uint64_t allocations_here() { return allocations_of_thread; }
uint64_t allocations_elsewhere() { return all_allocations - allocations_of_thread; }

}  // namespace dvr::test

// The library's other forms (arrays, nothrow) come to these.
void* operator new(size_t bytes) { return counted(std::malloc(bytes)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<size_t>(alignment);
  return counted(std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
