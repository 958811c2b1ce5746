#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/bound.h"
#include "runtime/worker_loop.h"

namespace burnish {

/// Hosts a plan. Messages: `load` {"dir", "kernels": {source: object}}, `params` {"params": {path: leaf}}, `slots`
/// {"slots": [[leaf...]...]}, `refresh`, `profile` {"slot", "calls"} -> {"seconds": of a call, "steps": [{"step",
/// "seconds", "bytes_in", "bytes_out"}]}, medians over the calls. Before the first kernel is loaded a confined worker
/// takes the filter Filter::running_plan upon itself.
class PlanCallee : public Callee {
 public:
  explicit PlanCallee(bool confined) : confined_(confined) {}
  Result<json> control(const json& request, SharedMemory& memory) override;
  Status call(std::uint32_t slot, std::vector<at::Tensor>& outputs, const std::string*& structure) override;

 private:
  Result<json> load(const json& request, bool on_gpu);
  Result<json> params(const json& request, SharedMemory& memory);
  Result<json> slots(const json& request, SharedMemory& memory);
  Result<json> refresh();
  Result<json> profile(const json& request);
  json prepared() const;

  bool confined_, filtered_ = false;
  std::shared_ptr<const Program> program_;
  std::shared_ptr<Bound> bound_;
  std::vector<std::vector<c10::IValue>> slots_;
  std::vector<std::string> pieces_;  ///< the result's structure, cut at its leaves
  std::vector<c10::IValue> results_;
  std::string structure_;
};

}  // namespace burnish
