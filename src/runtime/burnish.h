#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

/// Runs deployed plans from C++, with no Python: link libburnish_runtime and libtorch. examples/cpp shows it whole.
namespace burnish {

class Bound;

/// A plan of a deployed folder (docs/deploy.md) with parameters. Copies share the plan; threads may call run() at once.
class Model {
 public:
  /// `folder` holds burnish.json and plan.json (a folder with plan.json alone will do where the plan has no kernels).
  /// `state`: the module's parameters and buffers by path, as load_state reads them.
  static Result<Model> load(const std::filesystem::path& folder, const std::map<std::string, at::Tensor>& state);

  /// A state_dict that `safetensors.torch.save_file(model.state_dict(), file)` wrote.
  static Result<std::map<std::string, at::Tensor>> load_state(const std::filesystem::path& file);

  /// The tensors that the plan takes, as paths of forward's arguments, in the order of run().
  std::vector<std::string> inputs() const;

  /// The tensors of forward's result, depth first. An error with the reason "guard" where the plan does not hold for
  /// these inputs: there is no original to fall back to here.
  Result<std::vector<at::Tensor>> run(const std::vector<at::Tensor>& inputs) const;

  /// Prepares again after writes to the parameters that PyTorch does not count.
  Status refresh() const;

 private:
  explicit Model(std::shared_ptr<Bound> bound) : bound_(std::move(bound)) {}
  std::shared_ptr<Bound> bound_;
};

}  // namespace burnish
