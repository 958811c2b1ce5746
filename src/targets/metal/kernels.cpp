#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "targets/metal/translator.h"

// Kernels: their attributes and parameters, and the entries through which the engine calls them.
namespace burnish::metal {
namespace {

/// Fields of mtl_thread (library/threads.metal), of one name with the attribute; the two old names stand for newer
/// ones.
constexpr std::array<std::string_view, 21> builtins = {"thread_position_in_grid",
                                                       "thread_position_in_threadgroup",
                                                       "threadgroup_position_in_grid",
                                                       "threads_per_grid",
                                                       "threads_per_threadgroup",
                                                       "threadgroups_per_grid",
                                                       "dispatch_threads_per_threadgroup",
                                                       "thread_index_in_threadgroup",
                                                       "thread_index_in_simdgroup",
                                                       "simdgroup_index_in_threadgroup",
                                                       "simdgroups_per_threadgroup",
                                                       "threads_per_simdgroup",
                                                       "dispatch_simdgroups_per_threadgroup",
                                                       "thread_index_in_quadgroup",
                                                       "quadgroup_index_in_threadgroup",
                                                       "quadgroups_per_threadgroup",
                                                       "dispatch_quadgroups_per_threadgroup",
                                                       "thread_execution_width",
                                                       "grid_size",
                                                       "grid_origin",
                                                       "threadgroup_size"};

constexpr std::array<std::string_view, 4> kept_attributes = {"maybe_unused", "nodiscard", "fallthrough", "unlikely"};

bool is_builtin(std::string_view name) {
  return std::ranges::find(builtins.begin(), builtins.begin() + 18, name) != builtins.begin() + 18;
}

std::string unquoted(const std::string& text) {
  return text.size() >= 2 ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

/// [[a, b(1)]]: what stands there for kernels is noted and removed, as is what clang does not know.
Status Translator::take_attributes(std::size_t begin, std::size_t end, Function& function) {
  bool keep = false;
  for (std::size_t i = begin + 2; i + 2 < end; ++i) {
    if (is(i, "kernel")) function.kernel = true;
    if (is(i, "host_name") && is(i + 1, "(")) function.host_name = unquoted(tokens_[i + 2].text);
    if (is(i, "max_total_threads_per_threadgroup") && is(i + 1, "("))
      if (const int n = std::atoi(tokens_[i + 2].text.c_str()); n > 0) function.most_threads = n;
    if (is(i, "visible") || is(i, "stitchable") || is(i, "intersection"))
      return bad(i, "the emulator leaves out [[" + tokens_[i].text + "]] functions", "unsupported");
    keep |= std::ranges::find(kept_attributes, tokens_[i].text) != kept_attributes.end();
    if (is(i, "(")) i = after_match(tokens_, i) - 1;
  }
  if (!keep) remove(begin, end);
  return {};
}

Status Translator::kernel_parameters(Function& function) {
  std::vector<std::size_t> implicit;
  std::vector<bool> taken(64);
  for (std::size_t i = function.parameters.begin; i < function.parameters.end;) {
    std::size_t end = i;
    while (end < function.parameters.end && !is(end, ",")) {
      const auto angle = is(end, "<") ? after_angle(tokens_, end) : end;
      if (angle > end)
        end = angle;
      else
        end = is(end, "(") || is(end, "[") || is(end, "{") ? after_match(tokens_, end) : end + 1;
    }
    Parameter p;
    bool attributed = false, indirect = false, constant = false;
    for (std::size_t k = i; k < end; ++k) {
      const auto& t = tokens_[k].text;
      if (t.starts_with("texture") || t == "sampler" || t.starts_with("depth2d") || t == "texture_buffer")
        return bad(k, "the emulator leaves out textures and samplers", "unsupported");
      if (t.find("acceleration_structure") != t.npos || t.find("function_table") != t.npos)
        return bad(k, "the emulator leaves out " + t, "unsupported");
      indirect |= t == "*" || t == "&" || (t == "[" && !is(k + 1, "[") && !is(k - 1, "["));
      constant |= t == "const" || t == "constant";
      if (t == "[" && is(k + 1, "[")) {
        const auto after = after_match(tokens_, k);
        const auto& word = tokens_[k + 2].text;
        const int index = is(k + 3, "(") ? std::atoi(tokens_[k + 4].text.c_str()) : 0;
        if (word == "buffer" || word == "threadgroup") {
          p.kind = word == "buffer" ? Parameter::Kind::buffer : Parameter::Kind::threadgroup;
          p.index = index;
          if (word == "buffer" &&
              (index < 0 || index > 30 || !std::isdigit(static_cast<unsigned char>(tokens_[k + 4].text[0]))))
            return bad(k + 2, "'buffer' attribute parameter is out of bounds: must be between 0 and 30");
          if (word == "buffer") taken[static_cast<std::size_t>(index)] = true;
        } else if (is_builtin(word)) {
          p.kind = Parameter::Kind::builtin;
          p.builtin = word;
        } else if (word != "maybe_unused") {
          return bad(k + 2, "the emulator leaves out the attribute '" + word + "'", "unsupported");
        }
        attributed |= word != "maybe_unused";
        remove(k, after);
        k = after - 1;
      } else if (tokens_[k].is_name() && !attributed) {
        p.name = t;
      }
    }
    p.writable = !constant;
    if (i == end || (end == i + 1 && is(i, "void"))) {
      i = end + 1;
      continue;
    }
    if (!attributed) {
      if (!indirect)
        return bad(i, "invalid type for input declaration in a kernel function: '" + p.name +
                          "' needs an attribute such as [[thread_position_in_grid]]");
      implicit.push_back(function.found.size());
    }
    function.found.push_back(std::move(p));
    i = end + 1;
  }
  int next = 0;
  for (const auto which : implicit) {
    while (next < 64 && taken[static_cast<std::size_t>(next)]) ++next;
    if (next > 30) return bad(function.parameters.begin, "a kernel takes at most 31 buffers");
    function.found[which].index = next++;
  }
  return {};
}

/// How many parameters stand there: kernels of one name are told apart by it.
std::size_t Translator::count_parameters(Range parameters) const {
  std::size_t count = parameters.end > parameters.begin ? 1 : 0;
  for (std::size_t i = parameters.begin; i < parameters.end;) {
    count += is(i, ",");
    const auto angle = is(i, "<") ? after_angle(tokens_, i) : i;
    i = angle > i ? angle : is(i, "(") || is(i, "[") || is(i, "{") ? after_match(tokens_, i) : i + 1;
  }
  return count;
}

/// The kernel that an instantiation names.
const Function* Translator::instantiated(const Instantiation& of) const {
  for (const auto& f : functions_)
    if (f.kernel && f.has_body && f.is_template && f.path == of.function &&
        (of.prototype.empty() || of.parameter_count == f.found.size()))
      return &f;
  return nullptr;
}

/// The text of a parameter list without attributes.
std::string Translator::plain_parameters(Range parameters) {
  std::string text;
  for (std::size_t i = parameters.begin; i < parameters.end; ++i) {
    if (is(i, "[") && is(i + 1, "[")) {
      i = after_match(tokens_, i) - 1;
      continue;
    }
    const auto& word = tokens_[i].text;
    if (word == "device")
      text += "mtl_device ";
    else if (word == "constant")
      text += "mtl_constant_space ";
    else if (word == "threadgroup")
      text += "__local ";
    else if (word == "thread")
      text += "__private ";
    else
      text += (edits_[i].instead ? *edits_[i].instead : word) + " ";
  }
  return text.empty() ? "void" : text;
}

std::string Translator::entries() const {
  std::string text =
      "#pragma OPENCL EXTENSION __cl_clang_function_pointers : enable\n";  // decltype of a function asks for it
  int number = 0;
  const auto entry = [&](const Function& f, const std::string& arguments, const std::string& prototype, int line) {
    text += fmt::format("\n# {} \"program_source\"\n", line);
    if (!prototype.empty()) text += fmt::format("void mtl_prototype_{}({}); ", number, prototype);
    const auto type = prototype.empty() ? f.path + arguments : fmt::format("mtl_prototype_{}", number);
    text += fmt::format("using mtl_signature_{} = mtl_signature<decltype({})>; ", number, type);
    text += fmt::format("extern \"C\" MTL_EXPORT void mtl_entry_{}(const __private mtl_thread* mtl_t) {{ ", number);
    std::string call, sizes;
    for (std::size_t i = 0; i < f.found.size(); ++i) {
      const auto& p = f.found[i];
      const auto type_of = fmt::format("mtl_signature_{}::arg<{}>", number, i);
      if (i > 0) call += ", ";
      if (p.kind == Parameter::Kind::buffer) call += fmt::format("mtl_buffer<{}>(mtl_t, {})", type_of, p.index);
      if (p.kind == Parameter::Kind::threadgroup) call += fmt::format("mtl_dynamic<{}>(mtl_t, {})", type_of, p.index);
      if (p.kind == Parameter::Kind::builtin) call += fmt::format("mtl_position<{}>(mtl_t->{})", type_of, p.builtin);
      sizes += fmt::format("mtl_size<{0}>(), mtl_alignment<{0}>(), mtl_letter<{0}>(), ", type_of);
    }
    text += fmt::format("{}{}({}); }} ", f.path, arguments, call);
    text += fmt::format("extern \"C\" MTL_EXPORT const __global unsigned mtl_sizes_{}[] = {{{}0}};", number, sizes);
    ++number;
  };
  for (const auto& f : functions_)
    if (f.kernel && f.has_body && !f.is_template) entry(f, "", "", f.line);
  for (const auto& i : instantiations_)
    if (const auto* f = instantiated(i)) entry(*f, i.arguments, i.prototype, i.line);
  return text;
}

}  // namespace burnish::metal
