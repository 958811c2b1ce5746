#pragma once
#include <string>

#include "base/json.h"
#include "plan/plan.h"

namespace burnish {

/// The plan as JSON that parses back to the same plan; one input, parameter, kernel or step a line. What is at its
/// default is left out. Ends with a newline.
std::string print_plan(const Plan& plan);

/// The plan for people: one step a line in the form `h = aten::mm(x, wt)`. Not meant to be read back.
std::string describe_plan(const Plan& plan);

/// A function in its JSON form, as print_plan writes it.
std::string print_function(const Function& function);

/// A step in its JSON form, and in the form for people.
json step_to_json(const Step& step);
std::string step_to_text(const Step& step);

/// JSON on one line with a space after ':' and ','.
std::string to_line(const json& value);

}  // namespace burnish
