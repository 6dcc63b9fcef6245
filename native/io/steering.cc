#include "io/steering.hpp"

#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <iterator>

#include "io/fd.hpp"

namespace dvr {
namespace {

// Debian 12's <linux/if_tun.h> has it; older ones do not.
#ifndef TUNSETSTEERINGEBPF
#define TUNSETSTEERINGEBPF _IOR('T', 224, int)
#endif

// Where a jump leads; a line may carry such a name.
enum class Label : uint8_t { none, ipv4, ipv6, ports_of_ipv4, ports_of_ipv6, answer };

struct Line {
  Label name = Label::none;
  bpf_insn instruction{};
  Label target = Label::none;
};

// A load from the frame arrives in host byte order; where the frame is too short the program ends there, with
// queue 0.
constexpr Line load(uint8_t size, int offset, Label name = Label::none) {
  return {name, {static_cast<uint8_t>(BPF_LD | BPF_ABS | size), 0, 0, 0, offset}};
}
constexpr Line jump(uint8_t condition, int value, Label target) {
  return {Label::none, {static_cast<uint8_t>(BPF_JMP | BPF_K | condition), BPF_REG_0, 0, 0, value}, target};
}
constexpr Line with_register(uint8_t operation, uint8_t to, uint8_t from) {
  return {Label::none, {static_cast<uint8_t>(BPF_ALU64 | BPF_X | operation), to, from, 0, 0}};
}
constexpr Line with_number(uint8_t operation, uint8_t to, int number, Label name = Label::none) {
  return {name, {static_cast<uint8_t>(BPF_ALU | BPF_K | operation), to, 0, 0, number}};
}
constexpr Line leave() { return {Label::none, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}; }
constexpr Line mix() { return with_register(BPF_XOR, BPF_REG_7, BPF_REG_0); }

// Offsets into an Ethernet frame without a tag.
constexpr int kEtherType = 12, kIp = 14;
constexpr int kIpv4Fragment = kIp + 6, kIpv4Protocol = kIp + 9, kIpv4Addresses = kIp + 12, kIpv4Ports = kIp + 20;
constexpr int kIpv6Next = kIp + 6, kIpv6Addresses = kIp + 8, kIpv6Ports = kIp + 40;
constexpr int kTcp = 6, kUdp = 17;
constexpr int kGolden = static_cast<int>(0x9e3779b1);  // spreads addresses that differ in their last bits only

// R6 is the frame (what loads want), R7 collects the flow, R0 is loaded and answers.
constexpr Line kLines[] = {
    with_register(BPF_MOV, BPF_REG_6, BPF_REG_1),
    with_number(BPF_MOV, BPF_REG_7, 0),
    load(BPF_H, kEtherType),
    jump(BPF_JEQ, 0x0800, Label::ipv4),
    jump(BPF_JEQ, 0x86dd, Label::ipv6),
    with_number(BPF_MOV, BPF_REG_0, 0),
    leave(),

    load(BPF_W, kIpv4Addresses, Label::ipv4), mix(),
    load(BPF_W, kIpv4Addresses + 4), mix(),
    load(BPF_B, kIp), jump(BPF_JNE, 0x45, Label::answer),
    load(BPF_H, kIpv4Fragment), jump(BPF_JSET, 0x3fff, Label::answer),
    load(BPF_B, kIpv4Protocol), jump(BPF_JEQ, kTcp, Label::ports_of_ipv4), jump(BPF_JNE, kUdp, Label::answer),
    load(BPF_W, kIpv4Ports, Label::ports_of_ipv4), mix(),
    jump(BPF_JA, 0, Label::answer),

    load(BPF_W, kIpv6Addresses, Label::ipv6), mix(),
    load(BPF_W, kIpv6Addresses + 4), mix(),
    load(BPF_W, kIpv6Addresses + 8), mix(),
    load(BPF_W, kIpv6Addresses + 12), mix(),
    load(BPF_W, kIpv6Addresses + 24), mix(),
    load(BPF_W, kIpv6Addresses + 28), mix(),
    load(BPF_B, kIpv6Next), jump(BPF_JEQ, kTcp, Label::ports_of_ipv6), jump(BPF_JNE, kUdp, Label::answer),
    load(BPF_W, kIpv6Ports, Label::ports_of_ipv6), mix(),

    with_number(BPF_MUL, BPF_REG_7, kGolden, Label::answer),
    with_number(BPF_RSH, BPF_REG_7, 16),
    with_register(BPF_MOV, BPF_REG_0, BPF_REG_7),
    leave(),
};

// Jumps count the instructions they skip.
constexpr auto assemble() {
  std::array<bpf_insn, std::size(kLines)> program{};
  for (size_t at = 0; at < program.size(); ++at) {
    program[at] = kLines[at].instruction;
    for (size_t to = 0; kLines[at].target != Label::none && to < program.size(); ++to)
      if (kLines[to].name == kLines[at].target) program[at].off = static_cast<int16_t>(to - at - 1);
  }
  return program;
}
constexpr auto kProgram = assemble();

Result<Fd> load_program(const std::string& about) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
  attributes.insns = reinterpret_cast<uint64_t>(kProgram.data());
  attributes.insn_cnt = kProgram.size();
  attributes.license = reinterpret_cast<uint64_t>("Apache-2.0");
  const long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
  if (fd < 0) return failed("bpf(BPF_PROG_LOAD)", about);
  return Fd{static_cast<int>(fd)};
}

}  // namespace

SystemError steer_by_flow(int tap_fd, const std::string& about) {
  const auto program = load_program(about);
  if (!program.ok()) return program.error;
  int fd = program.value.number();
  if (ioctl(tap_fd, TUNSETSTEERINGEBPF, &fd) < 0) return failed("ioctl(TUNSETSTEERINGEBPF)", about);
  return {};
}

}  // namespace dvr
