#include "targets/cuda/nvrtc.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/paths.h"
#include "targets/cuda/nvrtc_api.h"

namespace fs = std::filesystem;

namespace burnish::cuda {
namespace {

constexpr const char* install = "pip install nvidia-cuda-nvrtc, or name its libnvrtc.so in BURNISH_NVRTC";

constexpr const char* needed_headers[] = {"cuda_fp16.h", "crt/mma.h", "cuda/std/type_traits"};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

/// Files below `folder` whose names begin with libnvrtc.so., newest major version first.
void add_libraries(const fs::path& folder, std::vector<fs::path>& found) {
  std::error_code error;
  std::vector<fs::path> here;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().starts_with("libnvrtc.so.")) here.push_back(entry.path());
  std::ranges::sort(here, std::greater());
  found.insert(found.end(), here.begin(), here.end());
}

/// The libraries of a Python's packages: prefix/lib/python3.x/{site,dist}-packages/nvidia/*/lib.
void add_python(const fs::path& prefix, std::vector<fs::path>& found) {
  std::error_code error;
  for (const auto& python : fs::directory_iterator(prefix / "lib", error)) {
    if (!python.path().filename().string().starts_with("python3")) continue;
    for (const char* packages : {"site-packages", "dist-packages"})
      for (const auto& package : fs::directory_iterator(python.path() / packages / "nvidia", error))
        add_libraries(package.path() / "lib", found);
  }
}

std::vector<fs::path> candidates() {
  std::vector<fs::path> found;
  std::vector<fs::path> pythons = {executable_path()};
  if (const auto chosen = variable("BURNISH_PYTHON"); !chosen.empty()) pythons.push_back(find_program(chosen));
  if (const auto chosen = variable("VIRTUAL_ENV"); !chosen.empty())
    pythons.emplace_back(fs::path(chosen) / "bin/python");
  pythons.push_back(find_program("python3"));
  for (const auto& python : pythons) {
    if (python.empty()) continue;
    add_python(python.parent_path().parent_path(), found);
    std::error_code error;
    if (const auto real = fs::canonical(python, error); !error) add_python(real.parent_path().parent_path(), found);
  }
  add_python("/usr/local", found);
  add_libraries("/usr/local/cuda/lib64", found);
  for (const char* name : {"libnvrtc.so.13", "libnvrtc.so.12"}) {  // where the loader finds it
    auto library = open_library(name);
    if (!library) continue;
    Dl_info info{};
    void* symbol = dlsym(*library, "nvrtcVersion");
    if (symbol && dladdr(symbol, &info) && info.dli_fname) found.emplace_back(info.dli_fname);
  }
  return found;
}

/// CUDA's own headers, what mma.h includes, and the C++ library that cooperative_groups.h includes: packages of their
/// own. For each the first folder that has it.
std::vector<fs::path> headers_of(const fs::path& library) {
  const auto folder = library.parent_path();
  const std::vector<fs::path> places = {folder / "../include", folder / "../../cuda_runtime/include",
                                        folder / "../../cuda_cccl/include", folder / "../targets/x86_64-linux/include",
                                        "/usr/local/cuda/include"};
  std::vector<fs::path> found;
  const auto look = [&](const fs::path& place, const char* file) {
    std::error_code error;
    if (!fs::exists(place / file, error)) return false;
    const auto real = fs::canonical(place, error);
    if (std::ranges::find(found, real) == found.end()) found.push_back(real);
    return true;
  };
  for (const char* file : needed_headers)
    (void)std::ranges::any_of(places, [&](const auto& p) { return look(p, file) || look(p / "cccl", file); });
  return found;
}

Result<Nvrtc> describe(const fs::path& library) {
  std::error_code error;
  const auto real = fs::canonical(library, error);
  if (error) return fail("there is no such file", library.string(), install, "environment");
  TRY(api, load_nvrtc(real.string()));
  Nvrtc nvrtc{real, headers_of(real), 0, 0, {}};
  int count = 0;
  if (api.version(&nvrtc.major, &nvrtc.minor) != 0 || api.count_architectures(&count) != 0 || count <= 0)
    return fail("NVRTC does not say its version", real.string(), install, "environment");
  nvrtc.architectures.resize(static_cast<std::size_t>(count));
  api.list_architectures(nvrtc.architectures.data());
  return nvrtc;
}

Result<Nvrtc> find() {
  if (const auto chosen = variable("BURNISH_NVRTC"); !chosen.empty()) return describe(chosen);
  std::string last;
  for (const auto& library : candidates()) {
    auto nvrtc = describe(library);
    if (nvrtc) return nvrtc;
    last = to_text(nvrtc.error());
  }
  return fail("NVIDIA's run-time compiler (NVRTC) cannot be found", last, install, "environment");
}

/// 90 of "sm_90a"; 0 where it is none.
int number_of(std::string_view architecture) {
  if (!architecture.starts_with("sm_")) return 0;
  int number = 0;
  const auto text = architecture.substr(3);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  return error == std::errc() && (rest.empty() || rest == "a" || rest == "f") ? number : 0;
}

}  // namespace

Result<NvrtcApi> load_nvrtc(const std::string& library) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::path(library).parent_path(), error)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("libnvrtc-builtins.so.")) dlopen(entry.path().c_str(), RTLD_NOW | RTLD_GLOBAL);
  }
  TRY(handle, open_library(library));
  NvrtcApi api;
  const auto bind = [&](const char* name, auto& function) -> Status {
    TRY(symbol, find_symbol(handle, name));
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
    return {};
  };
  const Status bound[] = {bind("nvrtcVersion", api.version),
                          bind("nvrtcGetNumSupportedArchs", api.count_architectures),
                          bind("nvrtcGetSupportedArchs", api.list_architectures),
                          bind("nvrtcCreateProgram", api.create),
                          bind("nvrtcCompileProgram", api.compile),
                          bind("nvrtcGetProgramLogSize", api.log_size),
                          bind("nvrtcGetProgramLog", api.log),
                          bind("nvrtcGetCUBINSize", api.cubin_size),
                          bind("nvrtcGetCUBIN", api.cubin),
                          bind("nvrtcGetErrorString", api.error_text)};
  for (const Status& one : bound)
    if (!one)
      return fail("NVRTC is too old: it has no " + one.error().where, library, "install version 12.4 or newer",
                  "environment");
  return api;
}

Result<Nvrtc> find_nvrtc() {
  static const Result<Nvrtc> found = find();
  return found;
}

bool has_all_headers(const Nvrtc& nvrtc) {
  return std::ranges::all_of(needed_headers, [&](const char* file) {
    std::error_code error;
    return std::ranges::any_of(nvrtc.headers, [&](const auto& folder) { return fs::exists(folder / file, error); });
  });
}

Status check_architecture(const Nvrtc& nvrtc, const std::string& architecture) {
  const int number = number_of(architecture);
  if (number != 0 && std::ranges::find(nvrtc.architectures, number) != nvrtc.architectures.end()) return {};
  return fail(fmt::format("NVRTC {} does not compile for {}", nvrtc.version(), architecture), nvrtc.library.string(),
              fmt::format("choose one of sm_{} (an a after sm_90 and above adds what only that generation has), or "
                          "install a newer nvidia-cuda-nvrtc",
                          fmt::join(nvrtc.architectures, ", sm_")),
              "environment");
}

Result<std::string> architecture_of(const Nvrtc& nvrtc, int major, int minor) {
  const auto architecture = fmt::format("sm_{}{}{}", major, minor, major >= 9 ? "a" : "");
  if (auto ok = check_architecture(nvrtc, architecture); !ok) return std::unexpected(ok.error());
  return architecture;
}

}  // namespace burnish::cuda
