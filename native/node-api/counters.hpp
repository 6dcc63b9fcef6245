// Totals and batch results as JS objects; shared by both dataplane classes.
#pragma once

#include <napi.h>

#include "worker/dataplane.hpp"

namespace dvr::node_api {

// Counters of src/dataplane/interface.ts, and `eventsLost`. Edges nobody took are left out.
Napi::Object from_totals(Napi::Env env, const Totals& totals);

// {operations, generation}; a refused batch throws a RangeError that says which operation and why.
Napi::Value from_batch_result(Napi::Env env, const BatchResult& result, uint64_t generation);

}  // namespace dvr::node_api
