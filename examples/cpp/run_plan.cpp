// Runs a deployed plan with no Python.
//
//   run_plan FOLDER STATE.safetensors INPUTS.safetensors
//
// FOLDER is what `burnish optimize --out FOLDER` wrote, STATE the module's state_dict and INPUTS the inputs by the
// paths of forward's arguments, both written by safetensors.torch.save_file. Prints sizes, sum and time of the results.
#include <ATen/ATen.h>

#include <chrono>
#include <cstdio>
#include <iostream>

#include "runtime/burnish.h"

namespace {

int fail(const burnish::Error& error) {
  std::cerr << "run_plan: " << burnish::to_text(error) << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: run_plan FOLDER STATE.safetensors INPUTS.safetensors\n";
    return 2;
  }
  const auto state = burnish::Model::load_state(argv[2]);
  if (!state) return fail(state.error());
  const auto model = burnish::Model::load(argv[1], *state);
  if (!model) return fail(model.error());
  const auto given = burnish::Model::load_state(argv[3]);
  if (!given) return fail(given.error());

  std::vector<at::Tensor> inputs;
  for (const auto& path : model->inputs()) {
    const auto found = given->find(path);
    if (found == given->end())
      return fail({"the file has no input \"" + path + "\"", argv[3], "name tensors as forward's arguments"});
    inputs.push_back(found->second);
  }
  if (const auto warm = model->run(inputs); !warm) return fail(warm.error());
  const auto begin = std::chrono::steady_clock::now();
  const auto results = model->run(inputs);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  for (const auto& result : *results)
    std::cout << result.sizes() << " sum " << result.to(at::kDouble).sum().item<double>() << "\n";
  std::printf("%.1f us\n", seconds * 1e6);
  return 0;
}
