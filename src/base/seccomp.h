#pragma once
#include "base/error.h"
#include "base/process.h"

/// System-call filters (libseccomp). They are added to each other and never removed: a process can only lose rights.
namespace burnish {

enum class Filter {
  confined,  ///< every sandboxed program from its start, compilers included: no namespaces, mounts, tracing, sockets,
             ///< kernel interfaces
  confined_gpu,   ///< the same, but for what CUDA's driver uses in the process: sockets (in a network of the sandbox's
                  ///< own), memory files, shared anonymous memory
  running_model,  ///< a ModelNew once it is warm: besides, no process or thread is started, nothing executed, no signal
                  ///< to others
  running_plan,   ///< a plan's worker before it loads a kernel: an allow-list; process, socket and tracing calls kill
                  ///< the worker
};

/// The filter as a BPF program in a memfd, for bwrap --seccomp.
Result<Fd> export_filter(Filter filter);

/// Applies the filter to all threads of this process. Threads and shared mappings that are needed later must exist
/// already.
Status install_filter(Filter filter);

}  // namespace burnish
