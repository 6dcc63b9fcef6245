// dvr_bench: nanoseconds a packet, median of repetitions with their spread, and allocations.
//   dvr_bench [--json] [--only TEXT] [--repetitions N]
// A repetition is at least kRepetitionMs of runs; preparing is not measured.
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "../../native/allocations.hpp"
#include "bench.hpp"

namespace dvr::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRepetitionMs = 10, kDefaultRepetitions = 15, kMostRepetitions = 1000;

struct Options {
  bool json = false;
  std::string only;
  int repetitions = kDefaultRepetitions;
};

struct Result {
  std::string group, name;
  double median_ns = 0, least_ns = 0, most_ns = 0;
  double allocations = 0;  // a packet
};

Clock::duration time_of(const Case& bench) {
  bench.prepare();
  const auto began = Clock::now();
  bench.run();
  return Clock::now() - began;
}

double repetition_ns(const Case& bench) {
  Clock::duration spent{};
  size_t runs = 0;
  for (; spent < std::chrono::milliseconds(kRepetitionMs); ++runs) spent += time_of(bench);
  return std::chrono::duration<double, std::nano>(spent).count() / static_cast<double>(runs * bench.packets);
}

Result measure(const std::string& group, const Case& bench, int repetitions) {
  for (int warm = 0; warm < 3; ++warm) time_of(bench);
  bench.prepare();
  const uint64_t before = test::allocations_here();
  bench.run();
  const uint64_t allocations = test::allocations_here() - before;
  std::vector<double> all;
  for (int count = 0; count < repetitions; ++count) all.push_back(repetition_ns(bench));
  std::sort(all.begin(), all.end());
  return {group, bench.name, all[all.size() / 2], all.front(), all.back(),
          static_cast<double>(allocations) / static_cast<double>(bench.packets)};
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

std::string kernel() {
  utsname name;
  return uname(&name) == 0 ? name.release : "unknown";
}

std::string compiler() {
#if defined(__clang__)
  return std::string("clang++ ") + __clang_version__;
#else
  return std::string("g++ ") + __VERSION__;
#endif
}

void print_table(const std::vector<Result>& results) {
  std::printf("%s, Linux %s, %s -O3\n\n", processor().c_str(), kernel().c_str(), compiler().c_str());
  std::printf("| %-9s | %-52s | %9s | %19s | %11s |\n", "group", "bench", "ns/packet", "spread", "allocations");
  std::printf("|-----------|%s|----------:|--------------------:|------------:|\n", std::string(54, '-').c_str());
  for (const Result& result : results)
    std::printf("| %-9s | %-52s | %9.1f | %9.1f-%-9.1f | %11g |\n", result.group.c_str(), result.name.c_str(),
                result.median_ns, result.least_ns, result.most_ns, result.allocations);
}

void print_json(const std::vector<Result>& results, const std::string& command) {
  std::printf("{\"processor\":\"%s\",\"kernel\":\"%s\",\"compiler\":\"%s\",\"command\":\"%s\",\"results\":[",
              processor().c_str(), kernel().c_str(), compiler().c_str(), command.c_str());
  const char* separator = "";
  for (const Result& result : results) {
    std::printf("%s\n{\"group\":\"%s\",\"bench\":\"%s\",\"ns_per_packet\":%.2f,\"least_ns\":%.2f,\"most_ns\":%.2f,"
                "\"allocations_per_packet\":%g}",
                separator, result.group.c_str(), result.name.c_str(), result.median_ns, result.least_ns,
                result.most_ns, result.allocations);
    separator = ",";
  }
  std::printf("\n]}\n");
}

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "dvr_bench: %s\nusage: dvr_bench [--json] [--only TEXT] [--repetitions 1..%d]\n", what,
               kMostRepetitions);
  std::exit(2);
}

Options options_of(int count, char** words) {
  Options options;
  for (int at = 1; at < count; ++at) {
    const std::string word = words[at];
    const bool has_value = at + 1 < count;
    if (word == "--json") options.json = true;
    else if (word == "--only" && has_value) options.only = words[++at];
    else if (word == "--repetitions" && has_value) options.repetitions = std::atoi(words[++at]);
    else refuse(("there is no option " + word + ", or its value is missing").c_str());
  }
  if (options.repetitions < 1 || options.repetitions > kMostRepetitions) refuse("--repetitions is out of range");
  return options;
}

}  // namespace
}  // namespace dvr::bench

int main(int count, char** words) {
  using namespace dvr::bench;
  const Options options = options_of(count, words);
  std::string command;
  for (int at = 0; at < count; ++at) command += (at > 0 ? " " : "") + std::string(words[at]);
  std::vector<Result> results;
  auto all = groups();
  std::sort(all.begin(), all.end(), [](const Group& a, const Group& b) { return std::strcmp(a.name, b.name) < 0; });
  for (const Group& group : all)
    for (const Case& bench : group.make())
      if ((group.name + (" " + bench.name)).find(options.only) != std::string::npos)
        results.push_back(measure(group.name, bench, options.repetitions));
  options.json ? print_json(results, command) : print_table(results);
  const bool allocates = std::any_of(results.begin(), results.end(), [](const Result& r) { return r.allocations > 0; });
  if (allocates) std::fprintf(stderr, "dvr_bench: something allocates on the packet path\n");
  return allocates ? 1 : 0;
}
