#include "node-api/convert.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/json.hpp"

namespace dvr::node_api {
namespace {

// Smaller than any IPv4 host may have to accept (RFC 791), larger than a TAP takes.
constexpr uint32_t kLeastMtuBytes = 68, kMostMtuBytes = 65521;

void throw_type_error(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
}

void read_tap_spec(ObjectReader& reader, DeviceSpec& spec) {
  spec.kind = DeviceKind::tap;
  spec.port.value = static_cast<uint16_t>(reader.integer("portId", kFirstFreePort, kPortLimit - 1));
  spec.mtu_bytes = static_cast<uint16_t>(reader.integer("mtuBytes", kLeastMtuBytes, kMostMtuBytes));
  if (reader.has("mac")) spec.mac = reader.mac("mac");
  if (reader.has("gated")) spec.gated = reader.boolean("gated");
}

// The kernel's limit (IFNAMSIZ) without the zero at the end: a longer name would be cut to another device's.
constexpr size_t kMostIfnameBytes = 15;

void read_uplink_spec(ObjectReader& reader, DeviceSpec& spec) {
  spec.kind = DeviceKind::uplink;
  spec.port.value = static_cast<uint16_t>(reader.integer("portId", kFirstFreePort, kPortLimit - 1));
  spec.mtu_bytes = static_cast<uint16_t>(reader.integer("mtuBytes", kLeastMtuBytes, kMostMtuBytes));
  spec.device = reader.string("device");
  if (reader.ok() && (spec.device.empty() || spec.device.size() > kMostIfnameBytes))
    reader.refuse("device", "a device name of 1 to 15 bytes");
}

void read_mirror_spec(ObjectReader& reader, DeviceSpec& spec) {
  spec.kind = DeviceKind::mirror;
  for (const auto& [name, port] : {std::pair{"br-int", kMirrorBrInt}, {"br-tun", kMirrorBrTun}, {"br-ex", kMirrorBrEx}})
    if (spec.name == name) spec.port = port;
  if (spec.port == kNoPort) return reader.refuse("name", "\"br-int\", \"br-tun\" or \"br-ex\"");
  reader.integer("portId", spec.port.value, spec.port.value);
}

void read_vtep_spec(ObjectReader& reader, DeviceSpec& spec) {
  spec.kind = DeviceKind::vtep;
  spec.port = kTunnelPort;
  reader.integer("portId", kTunnelPort.value, kTunnelPort.value);
  spec.vtep_ip = reader.ip("vtepIp");
}

Napi::Object from_spec(Napi::Env env, const DeviceSpec& spec) {
  auto object = Napi::Object::New(env);
  constexpr const char* kKinds[] = {"tap", "vtep", "mirror", "uplink"};
  object.Set("kind", kKinds[static_cast<size_t>(spec.kind)]);
  object.Set("name", spec.name);
  object.Set("portId", spec.port.value);
  const bool is_uplink = spec.kind == DeviceKind::uplink;
  if (spec.kind == DeviceKind::tap || is_uplink) object.Set("mtuBytes", spec.mtu_bytes);
  if (is_uplink) object.Set("device", spec.device);
  if (spec.mac) object.Set("mac", text_of(*spec.mac));
  if (spec.gated) object.Set("gated", true);
  if (spec.kind == DeviceKind::vtep) object.Set("vtepIp", text_of(spec.vtep_ip));
  return object;
}

}  // namespace

void throw_system_error(Napi::Env env, const SystemError& error) {
  const char* code = strerrorname_np(error.number);
  const std::string name = code == nullptr ? "EUNKNOWN" : code;
  std::string message = name + ": " + std::strerror(error.number) + ", " + error.call;
  if (!error.about.empty()) message += " (" + error.about + ")";
  const Napi::Error thrown = Napi::Error::New(env, message);
  thrown.Set("code", Napi::String::New(env, name));
  thrown.Set("errno", Napi::Number::New(env, -error.number));
  thrown.Set("syscall", Napi::String::New(env, error.call));
  thrown.ThrowAsJavaScriptException();
}

ObjectReader::ObjectReader(Napi::Env env, Napi::Value value, std::string what)
    : env_(env), what_(std::move(what)) {
  ok_ = value.IsObject();
  if (ok_)
    object_ = value.As<Napi::Object>();
  else
    throw_type_error(env, what_ + " must be an object");
}

void ObjectReader::refuse(const char* name, const char* expected) {
  if (ok_) throw_type_error(env_, what_ + "." + name + " must be " + expected);
  ok_ = false;
}

Napi::Value ObjectReader::value(const char* name) { return ok_ ? object_.Get(name) : env_.Undefined(); }

bool ObjectReader::has(const char* name) {
  const Napi::Value field = value(name);
  return !field.IsUndefined() && !field.IsNull();
}

std::string ObjectReader::string(const char* name) {
  const Napi::Value field = value(name);
  if (field.IsString()) return field.As<Napi::String>().Utf8Value();
  refuse(name, "a string");
  return {};
}

bool ObjectReader::boolean(const char* name) {
  const Napi::Value field = value(name);
  if (field.IsBoolean()) return field.As<Napi::Boolean>().Value();
  refuse(name, "true or false");
  return false;
}

uint32_t ObjectReader::integer(const char* name, uint32_t least, uint32_t most) {
  if (!ok_) return least;
  const auto number = to_integer(env_, value(name), (what_ + "." + name).c_str(), least, most);
  if (!number) ok_ = false;
  return number.value_or(least);
}

std::vector<uint32_t> ObjectReader::integers(const char* name, uint32_t least, uint32_t most,
                                             uint32_t most_count) {
  std::vector<uint32_t> numbers;
  const Napi::Value field = value(name);
  const uint32_t count = field.IsArray() ? field.As<Napi::Array>().Length() : 0;
  if (count == 0 || count > most_count) {
    refuse(name, ("an array of 1 to " + std::to_string(most_count) + " integers").c_str());
    return {};
  }
  for (uint32_t at = 0; at < count && ok_; ++at) {
    const auto number = to_integer(env_, field.As<Napi::Array>().Get(at), (what_ + "." + name).c_str(), least, most);
    if (number) numbers.push_back(*number);
    ok_ = number.has_value();
  }
  return numbers;
}

std::vector<std::string> ObjectReader::strings(const char* name) {
  std::vector<std::string> texts;
  const Napi::Value field = value(name);
  if (!field.IsArray()) return refuse(name, "an array of strings"), texts;
  const auto array = field.As<Napi::Array>();
  for (uint32_t at = 0; at < array.Length() && ok_; ++at) {
    const Napi::Value text = array.Get(at);
    if (!text.IsString()) return refuse(name, "an array of strings"), texts;
    texts.push_back(text.As<Napi::String>().Utf8Value());
  }
  return texts;
}

MacAddr ObjectReader::mac(const char* name) {
  const auto mac = parse_mac(string(name));
  if (!mac) refuse(name, "a MAC address like fa:16:3e:00:00:01");
  return mac.value_or(MacAddr{});
}

IpAddr ObjectReader::ip(const char* name) {
  const auto ip = parse_ip(string(name));
  if (!ip) refuse(name, "an IP address");
  return ip.value_or(IpAddr{});
}

std::optional<std::string> to_string(Napi::Env env, Napi::Value value, const char* argument) {
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  throw_type_error(env, std::string(argument) + " must be a string");
  return std::nullopt;
}

std::optional<uint32_t> to_integer(Napi::Env env, Napi::Value value, const char* argument, uint32_t least,
                                   uint32_t most) {
  const std::string range = std::to_string(least) + ".." + std::to_string(most);
  const std::string message = std::string(argument) + " must be an integer in " + range;
  if (!value.IsNumber()) {
    throw_type_error(env, message);
    return std::nullopt;
  }
  const double number = value.As<Napi::Number>().DoubleValue();
  if (std::trunc(number) == number && number >= least && number <= most) return static_cast<uint32_t>(number);
  Napi::RangeError::New(env, message).ThrowAsJavaScriptException();
  return std::nullopt;
}

std::optional<std::span<const uint8_t>> to_bytes(Napi::Env env, Napi::Value value, const char* argument) {
  if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    const auto array = value.As<Napi::Uint8Array>();
    return std::span<const uint8_t>(array.Data(), array.ByteLength());
  }
  throw_type_error(env, std::string(argument) + " must be a Uint8Array");
  return std::nullopt;
}

std::optional<DeviceSpec> to_spec(Napi::Env env, Napi::Value value, const char* argument) {
  ObjectReader reader(env, value, argument);
  DeviceSpec spec;
  const std::string kind = reader.string("kind");
  spec.name = reader.string("name");
  if (reader.ok() && spec.name.empty()) reader.refuse("name", "a non-empty string");
  if (kind == "tap")
    read_tap_spec(reader, spec);
  else if (kind == "mirror")
    read_mirror_spec(reader, spec);
  else if (kind == "vtep")
    read_vtep_spec(reader, spec);
  else if (kind == "uplink")
    read_uplink_spec(reader, spec);
  else
    reader.refuse("kind", "\"tap\", \"vtep\", \"mirror\" or \"uplink\"");
  if (!reader.ok()) return std::nullopt;
  return spec;
}

std::optional<GateHold> to_gate_hold(Napi::Env env, Napi::Value value, uint64_t now_ns) {
  ObjectReader reader(env, value, "gate");
  GateHold hold{.name = reader.string("name")};
  if (reader.ok() && hold.name.empty()) reader.refuse("name", "a non-empty string");
  const Napi::Value until = reader.value("untilMs");
  if (reader.ok() && !until.IsNumber()) reader.refuse("untilMs", "a number");
  if (!reader.ok()) return std::nullopt;
  const double until_ms = until.As<Napi::Number>().DoubleValue();
  const double most_ms = static_cast<double>(now_ns) / 1e6 + kLongestHoldMs;
  // Written so that what is no number at all fails too.
  if (until_ms >= 0 && until_ms <= most_ms) {
    hold.until_ns = static_cast<uint64_t>(until_ms * 1e6);
    return hold;
  }
  const std::string message = "gate.untilMs of " + hold.name + " must be a moment of CLOCK_MONOTONIC in ms, at most " +
                              std::to_string(kLongestHoldMs) + " ms from now (0 shuts it)";
  Napi::RangeError::New(env, message).ThrowAsJavaScriptException();
  return std::nullopt;
}

std::optional<DataplaneOptions> to_options(Napi::Env env, Napi::Value value, const char* argument) {
  ObjectReader reader(env, value, argument);
  DataplaneOptions options;
  options.workers = reader.integer("workers", 1, kMaxWorkers);
  if (reader.has("spinUs")) options.spin_us = reader.integer("spinUs", 0, kMaxSpinUs);
  if (reader.has("without"))
    for (const std::string& name : reader.strings("without")) {
      const auto* const feature = std::find_if(std::begin(kFeatureNames), std::end(kFeatureNames),
                                               [&](const FeatureName& known) { return name == known.name; });
      if (feature == std::end(kFeatureNames))
        reader.refuse("without", ("an array of features of devices; \"" + name + "\" is none").c_str());
      else
        options.allowed.*feature->member = false;
    }
  if (!reader.ok()) return std::nullopt;
  return options;
}

std::optional<MacAddr> parse_mac(const std::string& text) {
  MacAddr mac;
  auto& b = mac.bytes;
  int end = 0;
  const int count = std::sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n",  //
                                &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end);
  if (count != 6 || end != 17 || text.size() != 17) return std::nullopt;
  return mac;
}

std::optional<IpAddr> parse_ip(const std::string& text) {
  uint8_t wire[16];
  if (inet_pton(AF_INET, text.c_str(), wire) == 1) return IpAddr::v4(wire);
  if (inet_pton(AF_INET6, text.c_str(), wire) == 1) return IpAddr::v6(wire);
  return std::nullopt;
}

Napi::Object from_device(Napi::Env env, const Device& device) {
  auto object = Napi::Object::New(env);
  object.Set("spec", from_spec(env, device.spec));
  auto fds = Napi::Array::New(env);
  for (const Fd& queue : device.queues) fds.Set(fds.Length(), queue.number());
  object.Set("fds", fds);
  object.Set("ifindex", device.ifindex);
  object.Set("pinnedNetns", static_cast<double>(device.pinned_netns));
  auto features = Napi::Array::New(env);
  for (const auto& [name, member] : kFeatureNames)
    if (device.features.*member) features.Set(features.Length(), name);
  object.Set("features", features);
  return object;
}

Napi::Value from_bytes(Napi::Env env, std::span<const uint8_t> bytes) {
  auto array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

Napi::Value from_json(Napi::Env env, const std::string& json) {
  const auto parser = env.Global().Get("JSON").As<Napi::Object>();
  return parser.Get("parse").As<Napi::Function>().Call(parser, {Napi::String::New(env, json)});
}

}  // namespace dvr::node_api
