// Finishes what a sender left to the device: a packet with needs_csum carries only the pseudo-header's sum
// in its transport header, and the wire wants the whole checksum.
// Before: the pipeline. Next: the VTEP socket. TAPs need none of this, their header says needs_csum.
#pragma once

#include "packet/packet.hpp"

namespace dvr {

// Writes the transport checksum of a packet that is no super-frame and clears needs_csum. A UDP sum of
// zero is written as 0xffff (RFC 768). Does nothing when the checksum is not left to us; false: the
// offload points outside the frame.
bool finish_checksum(Packet& packet);

}  // namespace dvr
