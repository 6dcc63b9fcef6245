// Carries out what the pipeline decided: the packet to its port, then the copies the stages asked for.
// The same for workers and for memory ports (`Ports` has to_port and to_vtep), so that a walk in memory and
// a worker cannot disagree about who gets a frame.
// On a drop the copies still go out: a broadcast that must not leave the node was given to its local ports.
#pragma once

#include "stage/stage.hpp"

namespace dvr {

template <class Ports>
void deliver(StageId verdict, Packet& packet, const Effects& effects, Ports& ports) {
  if (verdict == StageId::output && packet.out_port == kTunnelPort)
    ports.to_vtep(packet.outer.vtep, packet);
  else if (verdict == StageId::output && packet.out_port != kNoPort)
    ports.to_port(packet.out_port, packet);
  for (const PortId port : effects.copy_to)
    if (port != packet.in_port) ports.to_port(port, packet);
  for (const IpAddr& vtep : effects.copy_to_vteps) ports.to_vtep(vtep, packet);
}

}  // namespace dvr
