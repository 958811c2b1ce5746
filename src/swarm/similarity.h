#pragma once
#include <map>
#include <string>

#include "base/json.h"

/// How alike two exported plans are, and what family a plan is of. Works on a plan's JSON, so that plans of any age in
/// a store can be compared; what is no plan has no features.
namespace burnish {

/// Operators, which operator feeds which, and the inputs' forms, each with a weight.
using Features = std::map<std::string, double>;
Features features_of(const json& plan);

/// 0 (nothing in common) to 1 (the same features): the weighted Jaccard index (sum of minima over sum of maxima).
double similarity(const Features& a, const Features& b);

/// The family of the plan's costliest operators: "recurrent", "convolution", "attention", "product", "scan", "pooling",
/// "norm", "reduction", or "pointwise".
std::string kind_of(const json& plan);

}  // namespace burnish
