#pragma once
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "base/error.h"
#include "plan/plan.h"

namespace burnish {

c10::ScalarType scalar_type(DType dtype);

/// The value of {"dtype": ..}, {"memory_format": ..}, {"layout": ..}, {"device": ..}, {"float": ..} or {"str": ..} for
/// an argument of the given kind; the error says what the argument wants.
Result<c10::IValue> literal_value(const Arg::Literal& literal, const c10::Type& wanted);

/// "-inf", "inf", "nan" or a decimal.
Result<double> decimal_value(const std::string& text);

}  // namespace burnish
