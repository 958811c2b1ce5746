#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/plan.h"

namespace burnish {

/// dtype, shape and strides of tensors by their names in a plan.
using KnownTensors = std::map<std::string, InputTensor>;

/// What the exporter noted of every name (`notes.meta`), and the plan's own inputs. Entries that are incomplete are
/// left out; strides that are not contiguous are listed.
KnownTensors known_tensors(const Plan& plan);

/// The steps with these indices (of plan.steps) as a plan of their own: its inputs are the tensors that the region
/// reads from outside, under their names; its result is the list of the tensors that the rest reads. Parameters,
/// constants, and the `prepare` steps behind prepared tensors come along, as do kernels, functions and the conditions
/// of `where` that still have a meaning. `known` describes the inputs. Errors: see find_region (plan/region.h), and
/// where an input is not known.
Result<Plan> cut(const Plan& whole, const std::vector<std::size_t>& steps, const KnownTensors& known);

/// Puts `better`, a plan for the region that cut() gave for the same steps, in the place of that region. Its inputs and
/// parameters are found by name and path, everything that it makes gets a name that is free, and its inputs are brought
/// into the layout that it asks for. What nothing uses any more goes (plan/prune.h). Kernels of both plans that have
/// one name must be the same kernel or, in `better`, have their source as text, which is then renamed; sources of one
/// name that differ need text as well. constants.safetensors of the two are the caller's to merge: equal keys are taken
/// for equal tensors.
Result<Plan> splice(const Plan& whole, const std::vector<std::size_t>& steps, const Plan& better);

}  // namespace burnish
