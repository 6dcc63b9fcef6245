// The pipeline as data for the TypeScript side: stages, tables and drop reasons, from the same constants
// the runner is made of. src/dataplane/pipeline.ts is generated from this and tested for drift.
#pragma once

#include <string>

namespace dvr {

// PipelineDescription of src/dataplane/native.ts, as JSON.
std::string describe_json();

}  // namespace dvr
