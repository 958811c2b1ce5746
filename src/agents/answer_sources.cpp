#include "agents/answer_sources.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "agents/file_names.h"

namespace burnish {
namespace {

using Needed = std::map<std::string, std::string>;
using Placed = std::map<std::string, std::vector<const Piece*>>;

std::set<std::string> files_of(const Needed& needed) {
  std::set<std::string> files;
  for (const auto& [kernel, file] : needed)
    if (is_plain_source_name(file)) files.insert(file);  // others are refused with the plan
  return files;
}

std::set<std::string> kernels_in(const Piece& piece, const std::string& file, const Needed& needed) {
  std::set<std::string> kernels;
  for (const auto& [kernel, wanted] : needed)
    if (wanted == file && defines(piece.text, kernel)) kernels.insert(kernel);
  return kernels;
}

/// The file whose kernels a piece defines the most of, if any.
std::string file_by_kernels(const Piece& piece, const Needed& needed) {
  std::string best;
  std::size_t most = 0;
  for (const std::string& file : files_of(needed))
    if (const auto n = kernels_in(piece, file, needed).size(); n > most) most = n, best = file;
  return best;
}

/// An excerpt in prose's company ("in kernels.cpp I changed:") replaces no file.
bool is_excerpt(const Piece& piece) {
  return !piece.titled && !is_kernel_source(piece.text);
}

std::string claimed(const Piece& piece, const std::set<std::string>& wanted) {
  for (const std::string& name : piece.names)
    if (wanted.contains(name)) return name;
  for (const std::string& name : piece.names)
    if (is_plain_source_name(name)) return name;
  return {};
}

class Placer {
 public:
  Placer(const std::vector<Piece>& pieces, const Needed& needed, std::vector<std::string>& remarks)
      : pieces_(pieces), needed_(needed), wanted_(files_of(needed)), remarks_(remarks) {}

  std::map<std::string, std::string> placed() {
    for (const Piece& piece : pieces_)
      if (const std::string name = place_of(piece); !name.empty()) placed_[name].push_back(&piece);
    rename_strays();
    std::map<std::string, std::string> files;
    for (const auto& [name, pieces] : placed_) files[name] = merged(name, pieces);
    for (const auto& [kernel, file] : needed_)
      if (!files.contains(file) && said_.insert(file).second)
        remarks_.push_back("the plan names '" + file + "' for kernel '" + kernel +
                           "', and no block of the answer is that file");
    return files;
  }

 private:
  std::string place_of(const Piece& piece) {
    if (const std::string name = claimed(piece, wanted_); !name.empty())
      return is_excerpt(piece) && wanted_.contains(name) ? std::string() : name;
    if (!is_kernel_source(piece.text)) return {};
    std::string name = file_by_kernels(piece, needed_);
    if (name.empty() && wanted_.size() == 1) name = *wanted_.begin();
    remarks_.push_back(name.empty() ? "the kernel block in line " + std::to_string(piece.line) +
                                          " names no file; put its name into the fence, as in ```cpp kernels.cpp"
                                    : "a block without a file name was taken as '" + name + "'");
    return name;
  }

  /// A file that nobody asked for, in the place of the one that is missing.
  void rename_strays() {
    for (const std::string& file : wanted_) {
      if (placed_.contains(file)) continue;
      std::vector<std::string> strays;
      for (const auto& [name, pieces] : placed_)
        if (!wanted_.contains(name) && file_by_kernels(*pieces.back(), needed_) == file) strays.push_back(name);
      if (strays.empty() && wanted_.size() == 1)
        for (const auto& [name, pieces] : placed_)
          if (is_kernel_source(pieces.back()->text)) strays.push_back(name);
      if (strays.size() != 1) continue;
      remarks_.push_back("the plan names '" + file + "' and the block is called '" + strays[0] +
                         "'; they were taken for one");
      placed_[file] = std::move(placed_[strays[0]]);
      placed_.erase(strays[0]);
    }
  }

  std::string merged(const std::string& file, const std::vector<const Piece*>& pieces) {
    std::set<std::string> all;
    for (const Piece* piece : pieces) all.merge(kernels_in(*piece, file, needed_));
    std::string joined;
    std::set<std::string> seen;
    bool apart = pieces.size() > 1;
    for (std::size_t i = pieces.size(); i-- > 0;) {
      const auto here = kernels_in(*pieces[i], file, needed_);
      if (here.size() == all.size()) {
        if (i + 1 < pieces.size())
          remarks_.push_back("a later block for '" + file + "' lacks kernels of it; the last whole one was taken");
        return pieces[i]->text;
      }
      apart = apart && !here.empty() && std::ranges::none_of(here, [&](auto& k) { return seen.contains(k); });
      seen.insert(here.begin(), here.end());
      joined = pieces[i]->text + joined;
    }
    if (!apart) return pieces.back()->text;
    remarks_.push_back("'" + file + "' stood in several blocks; they were joined");
    return joined;
  }

  const std::vector<Piece>& pieces_;
  const Needed& needed_;
  std::set<std::string> wanted_, said_;
  std::vector<std::string>& remarks_;
  Placed placed_;
};

}  // namespace

bool defines(std::string_view source, std::string_view kernel) {
  if (kernel.empty()) return false;
  for (auto at = source.find(kernel); at != std::string_view::npos; at = source.find(kernel, at + 1)) {
    const auto end = at + kernel.size();
    if ((at > 0 && is_word(source[at - 1])) || (end < source.size() && is_word(source[end]))) continue;
    const auto open = source.find_first_not_of(" \t\r\n", end);
    const std::string_view before = trimmed(source.substr(at > 400 ? at - 400 : 0, std::min<std::size_t>(at, 400)));
    // "void k(", also with launch bounds or attributes between: `__launch_bounds__(256) k(`.
    const bool declared = before.ends_with("void") || before.ends_with("__launch_bounds__") || before.ends_with(')');
    if (open != std::string_view::npos && source[open] == '(' && declared) return true;
  }
  return false;
}

std::map<std::string, std::string> place_sources(const std::vector<Piece>& pieces, const Needed& needed,
                                                 std::vector<std::string>& remarks) {
  return Placer(pieces, needed, remarks).placed();
}

}  // namespace burnish
