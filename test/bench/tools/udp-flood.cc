// udp-flood: small UDP packets one way, numbered per flow, so that loss and order are both counted.
//
//   udp-flood send ADDRESS PORT SECONDS RATE PAYLOAD FLOWS   RATE in packets/s; 0: never wait
//   udp-flood receive PORT SECONDS [IDLE_MS]                 prints "ready" on stderr once bound
//
// Each prints one line of JSON. Both ends are plain sockets as an application has them: no UDP_SEGMENT
// when sending, no UDP_GRO when receiving. One flow is one connected socket and leaves by sendmmsg in
// batches of 32. Several flows are as many connected sockets, each with its own source port, that take
// turns packet by packet with one send() each: no call sends on two sockets. Every peer gets the same.
//
// A paced sender sleeps in ticks of 50 µs instead of spinning: the forwarder may need its CPU.
//
//     payload   0        4          8               16
//               │ flow   │ (zero)   │ number         │ zeros …     both little-endian
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "tool.hpp"

namespace {

constexpr int kSendBatch = 32;
constexpr int kReceiveBatch = 64;
constexpr uint32_t kMaxFlows = 4096;
constexpr size_t kHeaderBytes = 16;
constexpr size_t kMaxPayloadBytes = 9000;
constexpr long kTickNs = 50'000;
constexpr int kSendBufferBytes = 8 << 20;
constexpr int kReceiveBufferBytes = 32 << 20;
constexpr int kDefaultIdleMs = 150;
/// How often a receiver that has seen nothing yet looks at the clock.
constexpr int kFirstWaitMs = 100;

/// A thousand flows are a thousand descriptors.
void allow_descriptors(rlim_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max = std::max(limit.rlim_max, count);
  setrlimit(RLIMIT_NOFILE, &limit);
}

int connected_socket(const sockaddr_in& to) {
  const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) fail("socket");
  setsockopt(socket_fd, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBufferBytes, sizeof kSendBufferBytes);
  if (connect(socket_fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fail("connect");
  return socket_fd;
}

/// These say that there is no room right now, or that the receiver has already gone.
bool is_passing(int error) {
  return error == ENOBUFS || error == EAGAIN || error == ECONNREFUSED || error == EINTR;
}

/// The sender's sockets, and the payloads it writes numbers into.
class Flows {
 public:
  Flows(const sockaddr_in& to, uint32_t count, size_t payload_bytes) : numbers_(count, 0) {
    for (uint32_t flow = 0; flow < count; ++flow) sockets_.push_back(connected_socket(to));
    for (int slot = 0; slot < kSendBatch; ++slot) {
      payloads_[slot].assign(payload_bytes, 0);
      vectors_[slot] = {payloads_[slot].data(), payload_bytes};
      messages_[slot].msg_hdr.msg_iov = &vectors_[slot];
      messages_[slot].msg_hdr.msg_iovlen = 1;
    }
  }

  /// Sends up to `count` packets and answers how many left; what did not leave keeps its number.
  int send_some(int count) { return sockets_.size() == 1 ? send_batch(count) : send_in_turn(count); }
  uint64_t refused() const { return refused_; }

 private:
  int send_batch(int count) {
    for (int slot = 0; slot < count; ++slot) number(slot, 0, numbers_[0] + static_cast<uint64_t>(slot));
    const int sent = sendmmsg(sockets_[0], messages_.data(), static_cast<unsigned>(count), 0);
    if (sent > 0) numbers_[0] += static_cast<uint64_t>(sent);
    return settled(sent, "sendmmsg");
  }

  int send_in_turn(int count) {
    int sent = 0;
    for (; sent < count; ++sent) {
      number(0, turn_, numbers_[turn_]);
      const auto bytes = send(sockets_[turn_], payloads_[0].data(), payloads_[0].size(), 0);
      if (settled(bytes < 0 ? -1 : 1, "send") == 0) break;
      ++numbers_[turn_];
      turn_ = (turn_ + 1) % static_cast<uint32_t>(sockets_.size());
    }
    return sent;
  }

  void number(int slot, uint32_t flow, uint64_t value) {
    std::memcpy(payloads_[slot].data(), &flow, sizeof flow);
    std::memcpy(payloads_[slot].data() + 8, &value, sizeof value);
  }

  int settled(int result, const char* what) {
    if (result >= 0) return result;
    if (!is_passing(errno)) fail(what);
    ++refused_;
    return 0;
  }

  std::vector<int> sockets_;
  std::vector<uint64_t> numbers_;
  uint32_t turn_ = 0;
  uint64_t refused_ = 0;
  std::array<std::vector<uint8_t>, kSendBatch> payloads_;
  std::array<iovec, kSendBatch> vectors_{};
  std::array<mmsghdr, kSendBatch> messages_{};
};

int run_send(const sockaddr_in& to, double seconds, double rate, size_t payload_bytes, uint32_t count) {
  allow_descriptors(count + 64);
  Flows flows(to, count, payload_bytes);
  // Ticks are of no use where the kernel adds 50 µs of slack to each.
  prctl(PR_SET_TIMERSLACK, 1);
  const uint64_t began = now_ns();
  const uint64_t end = began + static_cast<uint64_t>(seconds * 1e9);
  uint64_t sent = 0;
  uint64_t now = began;
  while (now < end) {
    int batch = kSendBatch;
    if (rate > 0) {
      const double due = rate * static_cast<double>(now - began) * 1e-9 - static_cast<double>(sent);
      if (due < 1) {
        const timespec tick{0, kTickNs};
        nanosleep(&tick, nullptr);
        now = now_ns();
        continue;
      }
      batch = static_cast<int>(std::min<double>(due, kSendBatch));
    }
    sent += static_cast<uint64_t>(flows.send_some(batch));
    now = now_ns();
  }
  const double took = static_cast<double>(now - began) * 1e-9;
  std::printf("{\"sent\":%llu,\"seconds\":%.4f,\"pps\":%.0f,\"refused\":%llu}\n",
              static_cast<unsigned long long>(sent), took, static_cast<double>(sent) / took,
              static_cast<unsigned long long>(flows.refused()));
  return 0;
}

/// What came in: how much, when, and whether each flow kept its order.
struct Tally {
  uint64_t received = 0;
  uint64_t reordered = 0;
  uint64_t foreign = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  std::vector<uint64_t> next = std::vector<uint64_t>(kMaxFlows, 0);

  void count(const uint8_t* payload, size_t bytes) {
    uint32_t flow = 0;
    uint64_t number = 0;
    if (bytes >= kHeaderBytes) {
      std::memcpy(&flow, payload, sizeof flow);
      std::memcpy(&number, payload + 8, sizeof number);
    }
    if (bytes < kHeaderBytes || flow >= kMaxFlows) {
      ++foreign;
      return;
    }
    ++received;
    // A number that came twice is as wrong as one that came late.
    if (number < next[flow]) ++reordered;
    else next[flow] = number + 1;
  }
};

int bound_socket(int port) {
  const int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) fail("socket");
  setsockopt(socket_fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  return socket_fd;
}

int run_receive(int port, double seconds, int idle_ms) {
  const int socket_fd = bound_socket(port);
  std::vector<std::array<uint8_t, kMaxPayloadBytes>> payloads(kReceiveBatch);
  std::array<iovec, kReceiveBatch> vectors{};
  std::array<mmsghdr, kReceiveBatch> messages{};
  for (int slot = 0; slot < kReceiveBatch; ++slot) {
    vectors[slot] = {payloads[slot].data(), payloads[slot].size()};
    messages[slot].msg_hdr.msg_iov = &vectors[slot];
    messages[slot].msg_hdr.msg_iovlen = 1;
  }
  std::fprintf(stderr, "ready\n");
  Tally tally;
  const uint64_t end = now_ns() + static_cast<uint64_t>(seconds * 1e9);
  for (;;) {
    const int count = recvmmsg(socket_fd, messages.data(), kReceiveBatch, MSG_DONTWAIT, nullptr);
    if (count <= 0) {
      pollfd waiting{socket_fd, POLLIN, 0};
      const bool begun = tally.first_ns != 0;
      const int ready = poll(&waiting, 1, begun ? idle_ms : kFirstWaitMs);
      if ((ready == 0 && begun) || now_ns() > end) break;
      continue;
    }
    tally.last_ns = now_ns();
    if (tally.first_ns == 0) tally.first_ns = tally.last_ns;
    for (int slot = 0; slot < count; ++slot) tally.count(payloads[slot].data(), messages[slot].msg_len);
    if (tally.last_ns > end) break;
  }
  const double took = static_cast<double>(tally.last_ns - tally.first_ns) * 1e-9;
  std::printf("{\"received\":%llu,\"seconds\":%.4f,\"pps\":%.0f,\"reordered\":%llu,\"foreign\":%llu}\n",
              static_cast<unsigned long long>(tally.received), took,
              took > 0 ? static_cast<double>(tally.received) / took : 0.0,
              static_cast<unsigned long long>(tally.reordered),
              static_cast<unsigned long long>(tally.foreign));
  return 0;
}

int usage() {
  std::fprintf(stderr, "usage: udp-flood send ADDRESS PORT SECONDS RATE PAYLOAD FLOWS\n"
                       "       udp-flood receive PORT SECONDS [IDLE_MS]\n");
  return 2;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view mode = count > 1 ? words[1] : "";
  if (mode == "send" && count == 8) {
    const sockaddr_in to = address_of(words[2], std::atoi(words[3]));
    const size_t asked = std::strtoul(words[6], nullptr, 10);
    const size_t payload = std::clamp(asked, kHeaderBytes, kMaxPayloadBytes);
    const auto flows = std::clamp<uint32_t>(static_cast<uint32_t>(std::atoi(words[7])), 1, kMaxFlows);
    return run_send(to, std::atof(words[4]), std::atof(words[5]), payload, flows);
  }
  if (mode == "receive" && (count == 4 || count == 5)) {
    const int idle_ms = count == 5 ? std::atoi(words[4]) : kDefaultIdleMs;
    return run_receive(std::atoi(words[2]), std::atof(words[3]), idle_ms);
  }
  return usage();
}
