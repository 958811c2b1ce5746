#pragma once
#include "compiler/context.h"

namespace burnish::compiler {

/// Sends products and convolutions to oneDNN with their weights packed once in `prepare`, with a following ReLU inside.
/// With Options::channels_last convolutions and what lies between them are in NHWC. Stands after `prepare`, so that
/// folded weights are packed, and before `fuse`, which must know the layouts.
///
/// Why: eager's products go to MKL, which is 2.2 to 2.5 times slower than oneDNN on an AMD Zen 5 (512x512x512: 1.23
/// against 0.53 ms on two cores); eager's convolutions reorder weights and activations on every call.
Result<Plan> use_library(Plan plan, Context& context);

}  // namespace burnish::compiler
