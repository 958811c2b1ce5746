#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/metal_engine.h"
#include "plan/plan.h"
#include "runtime/frame.h"
#include "runtime/instructions.h"
#include "runtime/scope.h"

/// Kernels of the target metal-emulated: the emulator's library is loaded beside their objects.
namespace burnish {

struct LoadedKernel;

/// The entry of a plan's compiled files that is the emulator itself, and what stands before a source's checked object.
inline constexpr const char* metal_engine_key = "libburnish_metal.so";
inline constexpr const char* metal_checked_key = "checked:";
inline constexpr const char* metal_facts_key = "facts:";

/// The emulator's functions.
struct MetalEngine {
  void* library = nullptr;
  decltype(&burnish_metal_open) open = nullptr;
  decltype(&burnish_metal_close) close = nullptr;
  decltype(&burnish_metal_free) free = nullptr;
  decltype(&burnish_metal_run) run = nullptr;
};
Result<std::shared_ptr<MetalEngine>> load_metal_engine(const std::filesystem::path& file);

/// A kernel in both its forms. The first calls of a process run checked: what is found there refuses the candidate.
struct MetalKernel {
  static constexpr int checked_calls = 3;
  std::shared_ptr<MetalEngine> engine;
  std::shared_ptr<burnish_metal_library> fast, checked;
  std::string name;
  std::string signature;  ///< one letter a buffer: p, i, f
  int calls = 0;
  std::uint64_t threads = 0, groups = 0, barriers = 0, products = 0;  ///< of all calls; products of 8 x 8 matrices
};
/// An object and its description.
struct MetalObject {
  std::filesystem::path object, facts;
};
Result<std::shared_ptr<MetalKernel>> load_metal_kernel(std::shared_ptr<MetalEngine> engine, const std::string& name,
                                                       const MetalObject& fast, const MetalObject& checked);

struct MetalLaunch {
  std::shared_ptr<MetalKernel> kernel;
  std::vector<FlatExpr> grid, block;  ///< threadgroups, and threads of one: x, y, z
};
Result<std::shared_ptr<MetalLaunch>> resolve_metal_launch(const LaunchStep& step, const LoadedKernel& kernel,
                                                          Scope& scope);
void run_metal_launch(const LaunchInstruction& launch, const Frame& frame);

}  // namespace burnish
