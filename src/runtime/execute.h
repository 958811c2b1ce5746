#pragma once
#include <functional>
#include <vector>

#include "runtime/frame.h"

namespace burnish {

/// What a profiled run says of one instruction.
struct StepProfile {
  double seconds = 0;
  std::size_t bytes_in = 0, bytes_out = 0;
  std::size_t calls = 0;
  double flops = 0;                                     ///< of products and convolutions
  std::uint64_t threads = 0, groups = 0, barriers = 0;  ///< of kernels on the Metal emulator
};

/// Runs the code on a frame whose inputs are in place. `pc` always says which instruction runs, also after an exception
/// (RunFailure, or whatever ATen throws). The caller sets dispatch guards and memory.
void execute(const Code& code, Frame& frame, std::size_t& pc);

/// The same, adding to one row of `profile` an instruction. `cuda`: waits for the GPU after each one.
void execute_profiled(const Code& code, Frame& frame, std::size_t& pc, std::vector<StepProfile>& profile, bool cuda);

}  // namespace burnish
