#include "compiler/languages.h"

#include "compiler/fuse/emit.h"
#include "compiler/fuse/schedule.h"

namespace burnish::compiler {
namespace {

std::string cpp_prelude() {
  return std::string(cpp_primitives()) + std::string(vector_math()) + std::string(integers()) +
         std::string(cpp_lanes());
}

std::string msl_prelude() {
  return std::string(metal_primitives()) + std::string(vector_math()) + std::string(metal_groups());
}

std::string cuda_prelude() {
  return std::string(cuda_primitives()) + std::string(cuda_halves()) + std::string(vector_math()) +
         std::string(integers()) + std::string(cuda_groups());
}

constexpr std::string_view msl_lacks[] = {"b_erfc("};

}  // namespace

const Language cpp{
    .target = "cpu",
    .file = "kernels.cpp",
    .prelude = cpp_prelude,
    .kernel = "extern \"C\" void {name}(int64_t begin, int64_t end, {args})",
    .input = "const {type}* __restrict__ {name}",
    .output = "{type}* __restrict__ {name}",
    .size = "int64_t {name}",
    .index = "int64_t",
    .small_index = "int64_t",
    .items = "for (int64_t {i} = begin; {i} < end; ++{i})",
    .loop = "for (int64_t {i} = {begin}; {i} < {end}; ++{i})",
    .vector = "#pragma omp simd",
    .elements = {.float64 = "double", .int64 = "int64_t", .int32 = "int32_t", .byte = "uint8_t", .other = "float"},
    .library = true,
    .spread = spread_over_loops,
    .emit = emit_loops,
};

// Outputs lie in memory of the plan's own, aligned for any type; inputs may be parts of a user's tensor.
const Language msl{
    .target = "metal-emulated",
    .file = "kernels.metal",
    .prelude = msl_prelude,
    .kernel =
        "kernel void {name}({args}, uint group [[threadgroup_position_in_grid]], uint thread_ "
        "[[thread_position_in_threadgroup]])",
    .input = "device const {type}* {name} [[buffer({slot})]]",
    .output = "device {type}* {name} [[buffer({slot})]]",
    .size = "constant {type}& {name} [[buffer({slot})]]",
    .index = "long",
    .small_index = "int",
    .unroll = "#pragma unroll",
    .elements = {.int64 = "long", .int32 = "int", .byte = "uchar"},
    .shared = "threadgroup {type} {name}[{n}];",
    .side_by_side = "float4",
    .load = "float4(*(device const packed_float4*)({place}))",
    .store = "*(device float4*)({place}) = {value};",
    .narrow_rows = "a simdgroup a row",
    .most_arguments = 31,
    .lacks = msl_lacks,
    .spread = spread_over_grid,
    .emit = emit_grid,
};

// As for MSL: outputs are aligned, inputs may lie anywhere, which the load asks.
const Language cuda{
    .target = "cuda",
    .file = "kernels.cu",
    .prelude = cuda_prelude,
    .kernel = "extern \"C\" __global__ void __launch_bounds__({threads}) {name}({args})",
    .enter = "const unsigned group = blockIdx.x, thread_ = threadIdx.x;\n",
    .input = "const {type}* __restrict__ {name}",
    .output = "{type}* __restrict__ {name}",
    .size = "{type} {name}",
    .index = "int64_t",
    .small_index = "int",
    .unroll = "#pragma unroll",
    .unroll_some = "#pragma unroll 4",
    .unroll_columns = "#pragma unroll 8",
    .elements =
        {.int64 = "int64_t", .int32 = "int32_t", .float16 = "b_half", .bfloat16 = "b_bfloat", .byte = "uint8_t"},
    .shared = "__shared__ {type} {name}[{n}];",
    .side_by_side = "b_lanes<{n}>",
    .load = "b_load<{n}>({place})",
    .store = "b_store({place}, {value});",
    .narrow_rows = "a warp a row",
    .device = "cuda",
    .splits_rows = true,
    .turns_short_rows = false,
    .epilogues = true,
    .most_arguments = 64,
    .spread = spread_over_blocks,
    .emit = emit_grid,
};

std::string_view Language::storage(DType d) const {
  switch (d) {
    case DType::float32:
      return elements.float32;
    case DType::float16:
      return elements.float16;
    case DType::bfloat16:
      return elements.bfloat16;
    case DType::float64:
      return elements.float64;
    case DType::int64:
      return elements.int64;
    case DType::int32:
      return elements.int32;
    case DType::bool_:
    case DType::uint8:
      return elements.byte;
    default:
      return elements.other;
  }
}

std::string_view Language::variable(DType d) const {
  return d == DType::bool_ ? "bool" : storage(register_type(d));
}

const Language* language_of(std::string_view target) {
  for (const Language* language : {&cpp, &msl, &cuda})
    if (language->target == target) return language;
  return nullptr;
}

}  // namespace burnish::compiler
