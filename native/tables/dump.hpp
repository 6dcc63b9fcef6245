// All rows of one version of the tables as JSON, for `dvr tables`. Not on the packet path.
#pragma once

#include <string>

#include "tables/tables.hpp"

namespace dvr {

// [{"table":name,"rows":[{field:value…}…]}…] in packet order of the tables.
std::string dump_json(const Tables& tables);

}  // namespace dvr
