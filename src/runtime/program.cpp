#include "runtime/program.h"

#include "plan/check.h"
#include "plan/parse.h"
#include "runtime/compile.h"
#include "runtime/cuda.h"
#include "runtime/failure.h"
#include "runtime/tensors.h"

namespace burnish {

Result<std::shared_ptr<const Program>> load_program(const std::filesystem::path& folder,
                                                    const std::map<std::string, std::string>& kernels) {
  TRY(plan, load_plan(folder));
  const auto home = std::filesystem::is_directory(folder) ? folder : folder.parent_path();
  const std::string file = std::filesystem::is_directory(folder) ? (folder / "plan.json").string() : folder.string();
  std::map<std::string, at::Tensor> constants;
  if (!plan.constants.empty()) {
    TRY(loaded, load_tensors(home / "constants.safetensors"));
    constants = std::move(loaded);
  }
  auto program = std::make_shared<Program>();
  TRY(guards, InputGuards::compile(plan));
  program->guards = std::move(guards);
  program->plan = std::move(plan);
  const bool cuda = program->plan.target == "cuda";
  if (cuda) {
    if (auto ok = ensure_cuda(); !ok) return inside(file, ok.error());
    const auto moved = catching(
        [&] {
          for (auto& [key, tensor] : constants) tensor = tensor.to(at::kCUDA);
        },
        [] { return std::string("constants"); });
    if (!moved) return inside(file, moved.error());
  }
  KernelLoader loader(home, kernels, cuda);
  Status compiled;
  const auto done = catching([&] { compiled = compile_program(*program, loader, constants); },
                             [] { return std::string("loading the plan"); });
  if (!done) return inside(file, done.error());
  if (!compiled) return inside(file, compiled.error());
  return program;
}

}  // namespace burnish
