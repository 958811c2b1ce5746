#include "compiler/languages.h"

namespace burnish::compiler {
namespace {

std::string_view cpp_storage(DType d) {
  switch (d) {
    case DType::float64:
      return "double";
    case DType::int64:
      return "int64_t";
    case DType::int32:
      return "int32_t";
    case DType::bool_:
    case DType::uint8:
      return "uint8_t";
    default:
      return "float";
  }
}

std::string_view cpp_variable(DType d) {
  return d == DType::bool_ ? "bool" : cpp_storage(d);
}

}  // namespace

const Language cpp{
    .kernel = "extern \"C\" void {name}(int64_t begin, int64_t end, {args})",
    .input = "const {type}* __restrict__ {name}",
    .output = "{type}* __restrict__ {name}",
    .size = "int64_t {name}",
    .index = "int64_t",
    .items = "for (int64_t {i} = begin; {i} < end; ++{i})",
    .loop = "for (int64_t {i} = {begin}; {i} < {end}; ++{i})",
    .vector = "#pragma omp simd",
    .file = "kernels.cpp",
    .storage = cpp_storage,
    .variable = cpp_variable,
};

}  // namespace burnish::compiler
