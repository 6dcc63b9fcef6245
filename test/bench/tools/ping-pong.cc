// ping-pong: how long one byte takes there and back over an open TCP connection.
//
//   ping-pong echo PORT CPU                   answers until it is ended; prints "ready" on stderr
//   ping-pong ask ADDRESS PORT SECONDS CPU    prints one line of JSON, in microseconds
//
// CPU is where the process is pinned: the two ends on two CPUs, so that every way crosses one.
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "tool.hpp"

namespace {

constexpr int kWarmUps = 200;
/// Far more than a connection manages in a minute; recording stops there.
constexpr size_t kMaxSamples = 8'000'000;

void pin_to(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) fail("sched_setaffinity");
}

void send_at_once(int socket_fd) {
  const int on = 1;
  setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

[[noreturn]] void run_echo(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = address_of("0.0.0.0", port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(listener, 8) != 0) fail("listen");
  std::fprintf(stderr, "ready\n");
  for (;;) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    send_at_once(client);
    char byte = 0;
    while (read(client, &byte, 1) == 1 && write(client, &byte, 1) == 1) {
    }
    close(client);
  }
}

void exchange(int socket_fd) {
  char byte = 'x';
  if (write(socket_fd, &byte, 1) != 1 || read(socket_fd, &byte, 1) != 1) fail("exchange");
}

int run_ask(const sockaddr_in& to, double seconds) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(socket_fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
  send_at_once(socket_fd);
  std::vector<uint32_t> took_ns;
  took_ns.reserve(kMaxSamples);
  for (int round = 0; round < kWarmUps; ++round) exchange(socket_fd);
  uint64_t before = now_ns();
  const uint64_t end = before + static_cast<uint64_t>(seconds * 1e9);
  while (before < end && took_ns.size() < kMaxSamples) {
    exchange(socket_fd);
    const uint64_t after = now_ns();
    took_ns.push_back(static_cast<uint32_t>(std::min<uint64_t>(after - before, UINT32_MAX)));
    before = after;
  }
  std::sort(took_ns.begin(), took_ns.end());
  const auto at = [&](double part) {
    return took_ns[static_cast<size_t>(static_cast<double>(took_ns.size() - 1) * part)] / 1e3;
  };
  std::printf("{\"count\":%zu,\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"max_us\":%.2f}\n",
              took_ns.size(), at(0.5), at(0.99), at(0.999), at(1));
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view mode = count > 1 ? words[1] : "";
  if (mode == "echo" && count == 4) {
    pin_to(std::atoi(words[3]));
    run_echo(std::atoi(words[2]));
  }
  if (mode == "ask" && count == 6) {
    pin_to(std::atoi(words[5]));
    return run_ask(address_of(words[2], std::atoi(words[3])), std::atof(words[4]));
  }
  std::fprintf(stderr, "usage: ping-pong echo PORT CPU\n       ping-pong ask ADDRESS PORT SECONDS CPU\n");
  return 2;
}
