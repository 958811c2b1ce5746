#include "targets/metal/engine/launch.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <thread>

#include "targets/metal/engine/shadow.h"

extern "C" volatile int mtl_stop;

namespace burnish::metal {
namespace {

struct sigaction previous_segv, previous_bus;

/// A fault in a kernel's thread ends its threadgroup; any other goes where it went before.
void on_fault(int signal, siginfo_t* info, void* context) {
  auto* group = Group::current();
  if (group && group->in_thread) {
    const auto* machine = &static_cast<ucontext_t*>(context)->uc_mcontext;
    group->report_fault(reinterpret_cast<std::uintptr_t>(info->si_addr),
                        static_cast<std::uintptr_t>(machine->gregs[REG_RIP]));
    siglongjmp(group->fault, 1);
  }
  const auto& previous = signal == SIGSEGV ? previous_segv : previous_bus;
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  sigaction(signal, &previous, nullptr);  // the instruction runs again and faults as it would have
}

void install_handler() {
  struct sigaction ours{};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &ours, &previous_segv);
  sigaction(SIGBUS, &ours, &previous_bus);
}

void remove_handler() {
  sigaction(SIGSEGV, &previous_segv, nullptr);
  sigaction(SIGBUS, &previous_bus, nullptr);
}

/// A stack for the handler: a fiber's may be the one that overflowed.
class HandlerStack {
 public:
  HandlerStack() {
    memory_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) return;
    const stack_t stack{.ss_sp = memory_, .ss_flags = 0, .ss_size = bytes};
    sigaltstack(&stack, &previous_);
  }
  ~HandlerStack() {
    if (memory_ == MAP_FAILED) return;
    sigaltstack(&previous_, nullptr);
    munmap(memory_, bytes);
  }
  HandlerStack(const HandlerStack&) = delete;

 private:
  static constexpr std::size_t bytes = 64 << 10;
  void* memory_;
  stack_t previous_{};
};

void work(Launch& launch) {
  std::optional<HandlerStack> stack;
  if (launch.request.catch_faults) stack.emplace();
  Group group(launch);
  const std::uint64_t count = std::uint64_t{launch.groups[0]} * launch.groups[1] * launch.groups[2];
  while (!launch.over) {
    const auto number = launch.next++;
    if (number >= count) return;
    if (!group.run(number)) launch.over = true;
  }
}

/// Threads of our own, and a watch on the time.
void run_threads(Launch& launch, int n) {
  std::mutex mutex;
  std::condition_variable done;
  int running = n;
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i)
    threads.emplace_back([&] {
      work(launch);
      const std::scoped_lock lock(mutex);
      if (--running == 0) done.notify_all();
    });
  std::unique_lock lock(mutex);
  if (!done.wait_for(lock, std::chrono::duration<double>(launch.request.timeout_s), [&] { return running == 0; })) {
    launch.over = true;
    mtl_stop = 1;
    // A loop asks at each round, a launch of many short threads between groups: what is left is a matter of moments.
    done.wait(lock, [&] { return running == 0; });
    mtl_stop = 0;
    if (!launch.found)
      launch.report({.kind = "endless-loop",
                     .message = fmt::format("the kernel did not end within {:g} s", launch.request.timeout_s)});
  }
  lock.unlock();
  for (auto& t : threads) t.join();
}

std::unexpected<Error> misuse(const Loaded& kernel, std::string what) {
  return fail(std::move(what), "kernel " + kernel.kernel.name, {}, "launch");
}

Status check_request(const Loaded& kernel, const LaunchRequest& request) {
  std::uint64_t group = 1;
  for (int d = 0; d < 3; ++d) {
    if (request.group[d] == 0) return misuse(kernel, "a threadgroup's size must be above 0");
    group *= request.group[d];
  }
  const auto most = static_cast<std::uint64_t>(std::min<int>(kernel.kernel.most_threads, Group::most_threads));
  if (group > most) return misuse(kernel, fmt::format("Threadgroup size exceeds {} limit", most));
  std::uint32_t dynamic = 0;
  for (const auto bytes : request.dynamic_bytes) dynamic += bytes;
  if (dynamic > Group::most_shared_bytes)
    return misuse(kernel, fmt::format("{} bytes of threadgroup memory are asked for, at most {} are there", dynamic,
                                      Group::most_shared_bytes));
  for (const auto& b : request.buffers)
    if (b.index < 0 || b.index > 30)
      return misuse(kernel, fmt::format("buffer index {}: a kernel takes at most 31 buffers, 0 to 30", b.index));
  for (std::size_t i = 0; i < kernel.kernel.parameters.size(); ++i) {
    const auto& p = kernel.kernel.parameters[i];
    if (p.kind == Parameter::Kind::threadgroup && p.index >= static_cast<int>(request.dynamic_bytes.size()))
      return misuse(kernel, fmt::format("'{}' is [[threadgroup({})]]: its size was not given", p.name, p.index));
    if (p.kind != Parameter::Kind::buffer) continue;
    const auto bound = std::ranges::find(request.buffers, p.index, &Buffer::index);
    if (bound == request.buffers.end())
      return misuse(kernel, fmt::format("missing buffer binding at index {} for '{}'", p.index, p.name));
    const auto least = kernel.sizes[3 * i], alignment = kernel.sizes[3 * i + 1];
    if (bound->bytes < least)
      return misuse(kernel, fmt::format("argument {} ('{}') has {} bytes, the kernel's type has {}", p.index, p.name,
                                        bound->bytes, least));
    if (alignment > 1 && reinterpret_cast<std::uintptr_t>(bound->data) % alignment != 0)
      return misuse(kernel, fmt::format("argument {} ('{}') is not aligned to {} bytes as the kernel's type needs",
                                        p.index, p.name, alignment));
  }
  return {};
}

}  // namespace

void Launch::report(Finding finding) {
  const std::scoped_lock lock(mutex);
  over = true;
  if (!found) found = std::move(finding);
}

void Group::report_fault(std::uintptr_t address, std::uintptr_t pc) {
  auto f = finding("out-of-bounds", "", pc);
  std::string where;
  const auto low = reinterpret_cast<std::uintptr_t>(running().stack);
  if (address >= low - 4096 && address < low) {
    f.kind = "stack";
    f.message = fmt::format("a thread needs more than {} bytes of memory of its own", stack_bytes);
  } else if (launch_.shadow && launch_.shadow->describe(address, f, where)) {
    f.message = "the kernel accesses " + where;
  } else if (address == 0) {  // what the processor says of an address that is not aligned as the instruction needs
    f.kind = "misaligned";
    f.message = "a memory access that is not aligned to its type, or through a pointer that is none";
  } else {
    f.message = "the kernel accesses memory that belongs to no buffer";
    for (const auto& b : launch_.request.buffers) {
      const auto offset = static_cast<std::int64_t>(address - reinterpret_cast<std::uintptr_t>(b.data));
      if (offset >= 0 && offset < (std::int64_t{1} << 32) && (f.buffer < 0 || offset < f.offset)) {
        f.buffer = b.index;
        f.offset = offset;
      }
    }
  }
  launch_.report(std::move(f));
}

Result<std::optional<Finding>> launch(const Loaded& kernel, const LaunchRequest& request) {
  static std::mutex one_at_a_time;  // mtl_stop and the handler are the process's
  if (auto ok = check_request(kernel, request); !ok) return std::unexpected(ok.error());
  std::uint64_t total = 1, groups = 1;
  Launch state{.kernel = kernel, .request = request};
  for (int d = 0; d < 3; ++d) {
    total *= request.threads[d];
    state.groups[d] = (request.threads[d] + request.group[d] - 1) / request.group[d];
    groups *= state.groups[d];
  }
  if (total == 0) return std::optional<Finding>();
  const std::scoped_lock lock(one_at_a_time);
  std::unique_ptr<Shadow> shadow;
  if (kernel.checked) {
    if (groups > 0xffffffffu / Group::most_threads)
      return misuse(kernel, fmt::format("{} threadgroups are more than checked mode can tell apart", groups));
    TRY(made, Shadow::make(state));
    shadow = std::move(made);
    state.shadow = shadow.get();
  } else {
    for (const auto& b : request.buffers) {
      state.addresses[b.index] = reinterpret_cast<std::uint64_t>(b.data);
      for (std::size_t k = 0; k < b.tensors.size(); ++k)
        static_cast<std::uint64_t*>(b.data)[k] = reinterpret_cast<std::uint64_t>(b.tensors[k].first);
    }
  }
  const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  int n = request.threads_of_system > 0 ? request.threads_of_system : processors;
  n = kernel.checked ? 1 : static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(n), groups));
  if (request.catch_faults) install_handler();
  if (request.parallel)
    request.parallel(n, [&](int) { work(state); });
  else
    run_threads(state, n);
  if (request.catch_faults) remove_handler();
  if (shadow && !state.found) shadow->copy_back();
  return std::move(state.found);
}

}  // namespace burnish::metal
