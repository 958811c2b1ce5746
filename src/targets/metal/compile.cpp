#include "targets/metal/compile.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "base/hash.h"
#include "targets/cpu/describe.h"
#include "targets/cpu/objects.h"
#include "targets/metal/clang.h"
#include "targets/metal/diagnostics.h"
#include "targets/metal/lint.h"

namespace fs = std::filesystem;

namespace burnish::metal {
namespace {

constexpr const char* recipe_version =
    "2";  // part of every cache key: raise it when translation, library or flags change

json to_json(const Compiled& c) {
  json kernels = json::array(), constants = json::array();
  for (const auto& k : c.kernels) {
    json parameters = json::array();
    for (const auto& p : k.parameters)
      parameters.push_back({{"kind", static_cast<int>(p.kind)},
                            {"index", p.index},
                            {"builtin", p.builtin},
                            {"name", p.name},
                            {"writable", p.writable}});
    kernels.push_back(
        {{"name", k.name}, {"line", k.line}, {"most_threads", k.most_threads}, {"parameters", parameters}});
  }
  for (const auto& f : c.constants) constants.push_back({{"name", f.name}, {"type", f.type}, {"index", f.index}});
  return {{"kernels", kernels},
          {"constants", constants},
          {"shared", c.shared_names},
          {"lines", c.lines},
          {"warnings", c.warnings}};
}

Compiled from_json(const json& j, fs::path object) {
  Compiled c{.object = std::move(object)};
  for (const auto& k : j.at("kernels")) {
    Kernel kernel{k.at("name"), k.at("line"), {}, k.at("most_threads")};
    for (const auto& p : k.at("parameters"))
      kernel.parameters.push_back({static_cast<Parameter::Kind>(p.at("kind").get<int>()), p.at("index"),
                                   p.at("builtin"), p.at("name"), p.at("writable")});
    c.kernels.push_back(std::move(kernel));
  }
  for (const auto& f : j.at("constants")) c.constants.push_back({f.at("name"), f.at("type"), f.at("index")});
  c.shared_names = j.at("shared").get<std::vector<std::string>>();
  c.lines = j.at("lines").get<std::vector<std::pair<std::uint64_t, int>>>();
  c.warnings = j.at("warnings").get<std::vector<std::string>>();
  return c;
}

/// Lines of `objdump --dwarf=decodedline`: "program_source  12  0x1826  x".
std::vector<std::pair<std::uint64_t, int>> read_lines(std::string_view text) {
  std::vector<std::pair<std::uint64_t, int>> lines;
  while (!text.empty()) {
    const auto newline = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    const auto hexadecimal = line.find(" 0x");
    if (!line.starts_with("program_source") || hexadecimal == std::string_view::npos) continue;
    std::uint64_t address = 0;
    int number = 0;
    const auto digits = line.find_first_of("0123456789", 14);
    std::from_chars(line.data() + digits, line.data() + line.size(), number);
    std::from_chars(line.data() + hexadecimal + 3, line.data() + line.size(), address, 16);
    lines.emplace_back(address, number);
  }
  std::ranges::stable_sort(lines, {}, &std::pair<std::uint64_t, int>::first);
  return lines;
}

Status ascii(std::string_view source) {
  int line = 1, column = 1;
  for (const char c : source) {
    if (static_cast<unsigned char>(c) > 127)
      return fail(fmt::format("program_source:{}:{}: error: the source must be ASCII text", line, column), "", "",
                  "compile");
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n';
  }
  return {};
}

}  // namespace

int Compiled::line_of(std::uint64_t address) const {
  auto it = std::ranges::upper_bound(lines, address, {}, &std::pair<std::uint64_t, int>::first);
  while (it != lines.begin())
    if ((--it)->second > 0) return it->second;
  return 0;
}

Result<Compiled> load_compiled(const fs::path& object, const fs::path& facts) {
  TRY(text, read_file(facts.empty() ? fs::path(object).replace_extension(".json") : facts, 256 << 20));
  try {
    return from_json(json::parse(text), object);
  } catch (const json::exception& e) {
    return fail("a compiled object's description cannot be read", object.string(),
                std::string("compile it again: ") + e.what(), "environment");
  }
}

Result<Compiled> compile(const CompileRequest& request, const std::function<void(int)>& started) {
  if (auto ok = ascii(request.source); !ok) return std::unexpected(ok.error());
  TRY(clang, Clang::find(request));
  const auto key = hash_hex(json({recipe_version, clang.identity(), request.checked, request.source}).dump());
  const auto facts_known = request.cache.find(key + ".json"), known = request.cache.find(key + ".so");
  if (facts_known && known && facts_known->parent_path() == known->parent_path()) return load_compiled(*known);

  std::string preprocessed;
  TranslateOptions options;
  if (needs_preprocessor(request.source)) {
    TRY(text, clang.preprocess(started));
    preprocessed = std::move(text);
    options = {.preprocessed = true, .original = request.source};
  }
  auto translation = translate(options.preprocessed ? preprocessed : request.source, options);
  if (!translation) return std::unexpected(as_diagnostic(translation.error(), request.source));
  auto built = clang.build(*translation, started);
  if (!built) return std::unexpected(built.error());
  std::string complaints;
  for (const auto& c : lint(built->syntax_tree))
    complaints += diagnostic(c.line, users_column(*translation, c.line, c.column), "error", c.what, request.source);
  if (!complaints.empty()) return fail(complaints, "", "", "compile");

  const cpu::ObjectRules rules{
      .kernels = {}, .engine = {"mtl_", "__tsan_", "__ubsan_handle_out_of_bounds"}, .writable_data = request.checked};
  if (auto ok = cpu::check_object(built->object, built->disassembly, rules); !ok)
    return inside("program_source", ok.error());
  TRY(object, request.cache.keep(key + ".so", built->object));
  Compiled compiled{.object = object,
                    .kernels = translation->kernels,
                    .constants = translation->constants,
                    .shared_names = translation->shared_names};
  if (request.checked) {
    compiled.lines = read_lines(built->line_table);
    compiled.warnings = built->warnings;
  }
  TRY(facts, request.cache.keep(key + ".json", to_json(compiled).dump()));
  (void)facts;
  return compiled;
}

}  // namespace burnish::metal
