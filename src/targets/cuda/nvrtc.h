#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"

/// NVIDIA's run-time compiler, found where it was installed: the package nvidia-cuda-nvrtc of a Python, or a toolkit.
/// It needs no GPU and no driver.
namespace burnish::cuda {

struct Nvrtc {
  std::filesystem::path library;               ///< libnvrtc.so.13, links resolved
  std::vector<std::filesystem::path> headers;  ///< include folders, as far as they are installed
  int major = 0, minor = 0;
  std::vector<int> architectures;  ///< 90 for sm_90

  std::string version() const { return std::to_string(major) + "." + std::to_string(minor); }
};

/// The file that BURNISH_NVRTC names, else the first found: beside this executable's Python, BURNISH_PYTHON's,
/// VIRTUAL_ENV's, the python3 of PATH, /usr/local/cuda, the loader's path. Sought once a process. An Error has the
/// reason `environment`.
Result<Nvrtc> find_nvrtc();

/// Whether kernels can include cuda_fp16.h, mma.h and cooperative_groups.h.
bool has_all_headers(const Nvrtc& nvrtc);

/// The architecture that kernels are compiled for: "sm_90a" for capability 9.0, with all that this generation has (from
/// 9.0 on the suffix a is needed for its matrix and copy units). An Error where this NVRTC does not know it.
Result<std::string> architecture_of(const Nvrtc& nvrtc, int capability_major, int capability_minor);

/// Whether "sm_90a" and so on is one that this NVRTC compiles for; else an Error that lists those.
Status check_architecture(const Nvrtc& nvrtc, const std::string& architecture);

/// `burnish nvrtc LIBRARY`: the program that compiles, inside the sandbox. Reads {"options", "source", "headers"} from
/// stdin, writes the cubin to descriptor 7 and NVRTC's log to stderr. Exit 1: it does not compile.
int nvrtc_main(int argc, char** argv);

}  // namespace burnish::cuda
