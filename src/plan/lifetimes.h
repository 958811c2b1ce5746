#pragma once
#include <string>
#include <vector>

#include "plan/plan.h"

namespace burnish {

/// For each step of a list, the names that nothing reads any more once it has run, among those that the list itself
/// makes. A view keeps its memory alive by reference counting, so dropping a name is always safe.
using Releases = std::vector<std::vector<std::string>>;

/// `keep` stays to the end. A name that nothing reads is dropped by the step that makes it.
Releases releases(const std::vector<Step>& steps, const std::vector<std::string>& keep);

struct Lifetimes {
  Releases prepare, steps;
  std::vector<std::string> prepared;  ///< made by `prepare` and read by steps or result: kept from call to call
};
Lifetimes lifetimes(const Plan& plan);
Lifetimes lifetimes(const Function& function);

}  // namespace burnish
