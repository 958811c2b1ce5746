#pragma once
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/bound.h"

/// Plans for tests: written to a folder of their own, loaded, bound and run.
namespace burnish::testing {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "burnish-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  /// Compiles a source, which defines entries and signatures itself, to kernels/NAME.so.
  void compile(const std::string& name, const std::string& source) const {
    write("kernels.cpp", source);
    std::filesystem::create_directories(path_ / "kernels");
    const std::string command = "g++ -O1 -shared -fPIC -o " + (path_ / "kernels" / (name + ".so")).string() + " " +
                                (path_ / "kernels.cpp").string();
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

 private:
  std::filesystem::path path_;
};

inline Result<std::shared_ptr<const Program>> load(const Folder& folder, const std::string& plan) {
  folder.write("plan.json", plan);
  return load_program(folder.path(), {});
}

inline std::shared_ptr<Bound> make_bound(const Folder& folder, const std::string& plan,
                                         std::vector<at::Tensor> params = {}) {
  auto program = load(folder, plan);
  EXPECT_TRUE(program) << (program ? "" : to_text(program.error()));
  if (!program) return nullptr;
  auto bound = Bound::make(*program, std::move(params));
  EXPECT_TRUE(bound) << (bound ? "" : to_text(bound.error()));
  return bound ? *bound : nullptr;
}

/// What went wrong, "missed: guard", or "".
inline std::string outcome_text(const Bound::Outcome& outcome) {
  if (const auto* missed = std::get_if<Bound::Missed>(&outcome)) return "missed: " + missed->guard;
  if (const auto* error = std::get_if<Error>(&outcome)) return to_text(*error);
  return "";
}

inline std::vector<c10::IValue> run(Bound& bound, const std::vector<c10::IValue>& inputs) {
  std::vector<c10::IValue> results;
  const auto outcome = bound.run(inputs, results);
  EXPECT_EQ(outcome_text(outcome), "");
  return results;
}

inline at::Tensor run_one(Bound& bound, const std::vector<c10::IValue>& inputs) {
  const auto results = run(bound, inputs);
  return results.empty() ? at::Tensor() : results.at(0).toTensor();
}

inline std::string miss(Bound& bound, const std::vector<c10::IValue>& inputs) {
  std::vector<c10::IValue> results;
  return outcome_text(bound.run(inputs, results));
}

/// A plan with one input x of one symbol n, these steps and result; the rest of the object may follow in `more`.
inline std::string plan_of(const std::string& steps, const std::string& result, const std::string& more = "") {
  return R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": ["n", 4]}}, "steps": [)" + steps +
         R"(], "result": )" + result + (more.empty() ? "" : ", " + more) + "}";
}

}  // namespace burnish::testing
