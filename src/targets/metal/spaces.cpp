#include <unordered_map>

#include "targets/metal/translator.h"

// Address spaces and names. `device` and `constant` become two spaces of clang's that convert to its generic one but
// not into each other (global_device, global_host), so that a pointer of the wrong space is an error, as on a Mac.
namespace burnish::metal {
namespace {

const std::unordered_map<std::string_view, std::string_view> renamed = {
    // OpenCL's own words
    {"local", "mtl_local"},
    {"global", "mtl_global"},
    {"generic", "mtl_generic"},
    {"pipe", "mtl_pipe"},
    {"read_only", "mtl_read_only"},
    {"write_only", "mtl_write_only"},
    {"read_write", "mtl_read_write"},
    {"vec_step", "mtl_vec_step"},
    {"event_t", "mtl_event_t"},
    {"queue_t", "mtl_queue_t"},
    // atomic types that OpenCL predefines differently
    {"atomic_int", "mtl_atomic_int"},
    {"atomic_uint", "mtl_atomic_uint"},
    {"atomic_bool", "mtl_atomic_bool"},
    {"atomic_ulong", "mtl_atomic_ulong"},
    {"atomic_long", "mtl_atomic_long"},
    {"atomic_float", "mtl_atomic_float"},
    {"atomic_flag", "mtl_atomic_flag"}};

/// Words of Metal that would otherwise give a message about something else.
const std::unordered_map<std::string_view, std::string_view> left_out = {
    {"texture2d", "textures"},
    {"texture1d", "textures"},
    {"texture3d", "textures"},
    {"texture2d_array", "textures"},
    {"texture_buffer", "textures"},
    {"sampler", "samplers"},
    {"float4x4", "matrices"},
    {"float3x3", "matrices"},
    {"float2x2", "matrices"},
    {"half4x4", "matrices"},
    {"half3x3", "matrices"},
    {"threadgroup_imageblock", "imageblocks"},
    {"imageblock", "imageblocks"},
    {"ray_data", "ray tracing"},
    {"object_data", "mesh shading"},
    {"tensor_ops", "Metal 4's tensor operations"},
    {"command_buffer", "indirect command buffers"},
    {"simdgroup_async_copy", "asynchronous copies"},
    {"simdgroup_event", "asynchronous copies"}};

}  // namespace

/// Whether `constant` at `at` qualifies what a pointer or reference means, and not a variable.
static bool is_pointee(const std::vector<Token>& tokens, std::size_t at) {
  for (std::size_t i = at + 1; i < tokens.size(); ++i) {
    const auto& t = tokens[i].text;
    if (t == "*" || t == "&" || t == "&&") return true;
    if (t == "<") {
      const auto after = after_angle(tokens, i);
      if (after == i) return false;
      i = after - 1;
    } else if (t == "(") {
      return i + 1 < tokens.size() && (tokens[i + 1].text == "*" || tokens[i + 1].text == "&");
    } else if (t == "=" || t == ";" || t == "[" || t == ")" || t == "," || t == "{" || t == ">") {
      return false;
    }
  }
  return false;
}

Status Translator::address_spaces() {
  std::vector<bool> inside(tokens_.size());
  for (const auto& f : functions_)
    if (f.has_body)
      std::fill(inside.begin() + static_cast<long>(f.body.begin), inside.begin() + static_cast<long>(f.body.end), true);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].is_name() || edits_[i].instead) continue;
    const auto& word = tokens_[i].text;
    if (const auto it = left_out.find(word); it != left_out.end())
      return bad(i, "the emulator leaves out " + std::string(it->second), "unsupported");
    if (word == "device") instead(i, "mtl_device");
    if (word == "thread") instead(i, "__private");
    if (word == "threadgroup") {
      if (!is_pointee(tokens_, i) && !is(i - 1, ")"))
        return bad(i,
                   inside[i]
                       ? "the emulator does not understand this threadgroup declaration: write the qualifier first"
                       : "threadgroup variables can only be declared in a kernel function",
                   inside[i] ? "unsupported" : "compile");
      instead(i, "__local");
    }
    if (word != "constant") continue;
    if (is_pointee(tokens_, i)) {
      instead(i, "mtl_constant_space");
    } else {
      bool is_static = !inside[i];
      for (std::size_t k = i; inside[i] && k-- > 0 && !is(k, ";") && !is(k, "{") && !is(k, "}");)
        is_static |= is(k, "static");
      instead(i, is_static ? "const __global" : "static const __global");
    }
  }
  return {};
}

/// A constant array lies in clang's global space; where it is used it must look as if it were in `constant`.
void Translator::constant_uses() {
  for (const auto& f : functions_)
    for (std::size_t i = f.body.begin; f.has_body && i < f.body.end; ++i) {
      if (!constant_arrays_.contains(tokens_[i].text) || is(i - 1, ".") || is(i - 1, "->")) continue;
      std::size_t first = i;
      while (first >= 2 && is(first - 1, "::") && tokens_[first - 2].is_name()) first -= 2;
      edits_[first].before += "mtl_constant(";
      edits_[i].after = ")" + edits_[i].after;
    }
}

/// Words that mean something else to clang; done first, so that texts made of tokens hold the new words.
void Translator::renames() {
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    if (const auto it = renamed.find(tokens_[i].text); tokens_[i].is_name() && it != renamed.end())
      tokens_[i].text = it->second;
}

void Translator::function_constants() {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].is_name() || edits_[i].instead) continue;
    for (const auto& c : constants_) {
      if (tokens_[i].text != c.name || is(i - 1, ".") || is(i - 1, "->")) continue;
      if (is(i - 2, "is_function_constant_defined")) {
        instead(i - 2, "mtl_constant_defined");
        instead(i, std::to_string(c.index));
      } else {
        instead(i, "mtl_function_constant<" + c.type + ", " + std::to_string(c.index) + ">()");
      }
    }
  }
}

}  // namespace burnish::metal
