#include "runtime/launch_metal.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <cstring>

#include "base/json.h"
#include "runtime/failure.h"
#include "runtime/kernels.h"
#include "runtime/launch_arguments.h"

namespace burnish {
namespace {

/// The reply of the emulator, which frees its text.
json take(const MetalEngine& engine, char* reply) {
  if (!reply) return json::object();
  auto parsed = json::parse(reply, nullptr, false);
  engine.free(reply);
  return parsed;
}

Result<std::pair<std::shared_ptr<burnish_metal_library>, json>> open(const std::shared_ptr<MetalEngine>& engine,
                                                                     const MetalObject& files, bool checked) {
  char* reply = nullptr;
  auto* library = engine->open(files.object.c_str(), files.facts.c_str(), checked, &reply);
  auto facts = take(*engine, reply);
  if (!library)
    return fail("a compiled Metal object cannot be loaded: " + facts["error"].value("what", ""), files.object.string(),
                "compile it again", "object");
  return std::pair(std::shared_ptr<burnish_metal_library>(library, [engine](auto* l) { engine->close(l); }),
                   std::move(facts));
}

/// One letter a buffer, in order; the plan's argument i is [[buffer(i)]].
Result<std::string> signature_of(const json& kernel) {
  std::string letters;
  for (const auto& p : kernel.at("parameters")) {
    const std::string kind = p.at("kind"), name = p.at("name"), letter = p.at("letter");
    if (kind == "builtin") continue;
    if (kind == "threadgroup")
      return fail("'" + name + "' is a [[threadgroup(n)]] argument", {},
                  "declare threadgroup memory in the kernel: torch.mps cannot give its size", "plan");
    if (letter == "?")
      return fail("a number arrives as int64 or float, '" + name + "' is neither", {},
                  "take constant long&, int&, uint& or float&", "plan");
    const auto index = p.at("index").get<std::size_t>();
    if (letters.size() <= index) letters.resize(index + 1, ' ');
    letters[index] = letter[0];
  }
  if (letters.find(' ') != std::string::npos)
    return fail("the kernel's buffers have a gap in their indices", {}, "number them from 0 on", "plan");
  return letters;
}

void run_in_pool(int n, void (*f)(int, void*), void* context) {
  at::parallel_for(0, n, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) f(static_cast<int>(i), context);
  });
}

/// Bytes from the address that a launch gives to the end of the tensor's last element.
std::uint64_t reach(const at::Tensor& tensor, std::int64_t offset) {
  if (tensor.numel() == 0) return 0;
  std::int64_t last = 0;
  for (std::int64_t d = 0; d < tensor.dim(); ++d) last += (tensor.size(d) - 1) * tensor.stride(d);
  const auto elements = last + 1 - offset;
  return elements > 0 ? static_cast<std::uint64_t>(elements * static_cast<std::int64_t>(tensor.itemsize())) : 0;
}

std::string text_of(const json& finding) {
  auto text = finding.value("kind", "") + ": " + finding.value("message", "");
  if (const int line = finding.value("line", 0)) text = "line " + std::to_string(line) + ": " + text;
  if (const int line = finding.value("other_line", 0)) text += " (there: line " + std::to_string(line) + ")";
  return text;
}

}  // namespace

Result<std::shared_ptr<MetalEngine>> load_metal_engine(const std::filesystem::path& file) {
  auto engine = std::make_shared<MetalEngine>();
  engine->library = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!engine->library) {
    const char* why = dlerror();
    return fail(std::string("the Metal emulator cannot be loaded: ") + (why ? why : "no reason given"), file.string(),
                "install burnish again", "environment");
  }
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(engine->library, name));
    return function != nullptr;
  };
  if (!find(engine->open, "burnish_metal_open") || !find(engine->close, "burnish_metal_close") ||
      !find(engine->free, "burnish_metal_free") || !find(engine->run, "burnish_metal_run"))
    return fail("the Metal emulator lacks its functions", file.string(), "install burnish again", "environment");
  return engine;
}

Result<std::shared_ptr<MetalKernel>> load_metal_kernel(std::shared_ptr<MetalEngine> engine, const std::string& name,
                                                       const MetalObject& fast, const MetalObject& checked) {
  auto kernel = std::make_shared<MetalKernel>();
  kernel->engine = std::move(engine);
  kernel->name = name;
  TRY(opened, open(kernel->engine, fast, false));
  kernel->fast = opened.first;
  TRY(watched, open(kernel->engine, checked, true));
  kernel->checked = watched.first;
  for (const auto& k : opened.second.at("kernels"))
    if (k.at("name") == name) {
      auto letters = signature_of(k);
      if (!letters) return inside("kernel " + name, letters.error());
      kernel->signature = *letters;
      return kernel;
    }
  return fail("the compiled source has no kernel " + name, fast.object.string(), "name it as its host_name says",
              "object");
}

Result<std::shared_ptr<MetalLaunch>> resolve_metal_launch(const LaunchStep& step, const LoadedKernel& kernel,
                                                          Scope& scope) {
  auto launch = std::make_shared<MetalLaunch>();
  launch->kernel = kernel.metal;
  if (!step.grid || !step.block)
    return fail("the launch has no grid and no block", {}, "a kernel on a GPU has both", "plan");
  if (step.cluster || step.cooperative || step.shared_bytes)
    return fail("cluster, cooperative and shared_bytes are for CUDA", {}, "leave them out", "plan");
  for (const auto& [from, to] : {std::pair(&*step.grid, &launch->grid), std::pair(&*step.block, &launch->block)})
    for (const Expr& expr : *from) {
      TRY(flat, flatten(expr, scope));
      to->push_back(std::move(flat));
    }
  return launch;
}

void run_metal_launch(const LaunchInstruction& launch, const Frame& frame) {
  MetalKernel& kernel = *launch.metal->kernel;
  burnish_metal_launch request{};
  for (std::size_t d = 0; d < 3; ++d) {
    const auto groups = evaluate(launch.metal->grid[d], frame), threads = evaluate(launch.metal->block[d], frame);
    if (groups < 0 || threads <= 0 || threads > 1024 || groups * threads > UINT32_MAX)
      throw RunFailure{"a launch of " + kernel.name + " has " + std::to_string(groups) + " threadgroups of " +
                           std::to_string(threads) + " threads along one axis",
                       "plan"};
    request.group[d] = static_cast<std::uint32_t>(threads);
    request.threads[d] = static_cast<std::uint32_t>(groups * threads);
  }
  alignas(16) std::uint64_t words[32][2] = {};
  burnish_metal_buffer buffers[32] = {};
  const std::size_t count = std::min<std::size_t>(launch.args.size(), 31);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& arg = launch.args[i];
    void* const packed = pack(arg, frame);
    auto& buffer = buffers[i];
    buffer.index = static_cast<std::int32_t>(i);
    if (arg.letter != 'p') {
      std::memcpy(words[i], &packed, sizeof packed);
      buffer.data = words[i];
      buffer.bytes = arg.letter == 'f' ? 4 : 8;
    } else if (packed) {
      buffer.data = packed;
      buffer.bytes = reach(frame.at(arg.tensor), arg.expr ? evaluate(*arg.expr, frame) : 0);
    } else {
      buffer.data = words[i];  // null: a buffer of no bytes
    }
  }
  request.buffers = buffers;
  request.buffer_count = static_cast<std::int32_t>(count);
  request.threads_of_system = at::get_num_threads();
  request.in_place = 1;
  request.parallel = run_in_pool;
  std::uint64_t groups = 1, threads = 1;
  for (std::size_t d = 0; d < 3; ++d) {
    groups *= request.threads[d] / request.group[d];
    threads *= request.threads[d];
  }
  kernel.groups += groups;
  kernel.threads += threads;
  request.barriers = &kernel.barriers;
  request.products = &kernel.products;
  const bool checked = kernel.calls < MetalKernel::checked_calls;
  kernel.calls += checked;
  char* reply = nullptr;
  const auto& library = checked ? kernel.checked : kernel.fast;
  const int status = kernel.engine->run(library.get(), kernel.name.c_str(), &request, &reply);
  const auto facts = take(*kernel.engine, reply);
  if (status == 1) throw RunFailure{kernel.name + ": " + facts["error"].value("what", ""), "plan"};
  if (status == 2) throw RunFailure{kernel.name + ": " + text_of(facts["finding"]), "kernel"};
}

}  // namespace burnish
