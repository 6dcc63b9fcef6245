// The router's stage: between two networks of br-int. It is described at the top of its own file.
#pragma once

#include "stage/stage.hpp"

namespace dvr::router {

StageId route(Packet&, const Tables&, Effects&);

}  // namespace dvr::router
