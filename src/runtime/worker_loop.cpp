#include "runtime/worker_loop.h"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sum.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "base/protocol.h"
#include "runtime/allocator.h"
#include "runtime/cuda.h"
#include "runtime/failure.h"
#include "runtime/watched_cuda.h"

namespace burnish {
namespace {

template <std::size_t n>
void put(char (&to)[n], const std::string& text) {
  const std::size_t length = std::min(text.size(), n - 1);
  std::memcpy(to, text.data(), length);
  to[length] = 0;
}

bool write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto put = write(fd, text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += static_cast<std::size_t>(put);
  }
  return true;
}

/// One JSON line of the control socket; empty at its end.
std::string read_line(std::string& buffer) {
  for (;;) {
    if (const auto end = buffer.find('\n'); end != std::string::npos) {
      auto line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      return line;
    }
    char chunk[65536];
    const auto got = read(protocol::control_fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || buffer.size() > protocol::most_line_bytes) return {};
    buffer.append(chunk, static_cast<std::size_t>(got));
  }
}

json error_json(const Error& e) {
  return {
      {"error",
       {{"reason", e.reason.empty() ? "crash" : e.reason}, {"what", e.what}, {"where", e.where}, {"todo", e.todo}}}};
}

/// Why an output cannot be read by the judge, or null.
const char* unreadable(const at::Tensor& t, bool gpu, const char*& reason) {
  reason = "structure";
  if (!t.defined()) return "an output is an undefined tensor";
  if (t.device().type() != (gpu ? c10::DeviceType::CUDA : c10::DeviceType::CPU)) {
    reason = "device";
    return gpu ? "an output is not on the GPU" : "an output is not on the CPU";
  }
  if (t.layout() != c10::kStrided || t.is_nested() || t.is_quantized()) return "an output is not a dense tensor";
  if (t.dim() > protocol::max_dims) return "an output has more than 12 dimensions";
  if (!t.has_storage()) return "an output has no storage of its own (a lazy or wrapped tensor)";
  return nullptr;
}

/// An output's values in host memory, in the same layout where it is dense.
at::Tensor to_host(const at::Tensor& t) {
  if (!t.is_non_overlapping_and_dense()) return t.contiguous().cpu();
  return at::empty_strided(t.sizes(), t.strides(), t.options().device(at::kCPU)).copy_(t);
}

class Loop {
 public:
  Loop(Callee& callee, SharedMemory& memory)
      : callee_(callee), memory_(memory), gpu_(memory.on_gpu()), copies_(memory.copies()) {}

  int run(const json& hello) {
    if (!write_all(protocol::control_fd, json{{"ok", hello}}.dump() + "\n")) return 0;
    for (;;) {
      unsigned char byte = 0;
      const auto got = read(protocol::call_fd, &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return 0;
      if (byte == protocol::control_byte) {
        if (!control()) return 0;
        continue;
      }
      calls();
      if (write(protocol::call_fd, &byte, 1) != 1) return 0;
      if (broken_) _exit(1);  // CUDA is of no use to this process any more, not even for tidying up
    }
  }

 private:
  bool control() {
    const auto line = read_line(buffer_);
    if (line.empty()) return false;
    const auto request = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (request.value("do", "") == "close") {
      write_all(protocol::control_fd, "{\"ok\": {}}\n");
      return false;
    }
    outputs_.clear();
    host_.clear();
    previous_.clear();
    previous_host_.clear();
    hoard_.clear();
    const auto done = copies_ ? place_and_control(request) : callee_.control(request, memory_);
    const json reply = done ? json{{"ok", *done}} : error_json(done.error());
    return write_all(protocol::control_fd, reply.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  }

  /// The arena's parts are copied to the GPU before the callee makes tensors of them.
  Result<json> place_and_control(const json& request) {
    if (request.value("do", "") == "fetch_params") {
      if (auto ok = memory_.mirror().fetch_params(); !ok) return std::unexpected(ok.error());
      return json::object();
    }
    if (auto ok = memory_.mirror().place(request); !ok) return std::unexpected(ok.error());
    auto done = callee_.control(request, memory_);
    if (auto ok = wait(); !ok && done) return std::unexpected(ok.error());
    return done;
  }

  Status wait() const { return gpu_ ? synchronize_cuda() : Status{}; }

  void calls() {
    auto& block = memory_.block();
    if (copies_ && !ready(block)) return;
    if (block.flags & protocol::only) return fetch(block);
    run(block);
    if (copies_ && (block.flags & protocol::fetch) && block.state == protocol::State::ok) fetch(block);
  }

  /// What comes before a call on a GPU and is not timed.
  bool ready(protocol::Block& block) {
    if (!(block.flags & (protocol::stage | protocol::flush))) return true;
    auto done = memory_.mirror().stage(block);
    if (done) done = wait();
    if (!done) failed(block, done.error());
    return done.has_value();
  }

  /// Brings one call's outputs to host memory, those of the call before again, and the call's slot into the arena.
  void fetch(protocol::Block& block) {
    if (!(block.flags & protocol::fetch)) return;
    const std::uint32_t batch = std::max(block.batch, 1U), each = static_cast<std::uint32_t>(outputs_.size()) / batch;
    const std::uint32_t slots = std::clamp<std::uint32_t>(block.slots, 1, protocol::max_slots);
    const std::uint32_t call = std::min(block.fetched, batch - 1);
    auto done = catching(
        [&] {
          host_.assign(outputs_.size(), {});
          for (std::uint32_t i = call * each; i < (call + 1) * each; ++i) {
            host_[i] = to_host(outputs_[i]);
            auto& d = block.tensor[i];
            d.address = reinterpret_cast<std::uint64_t>(host_[i].numel() ? host_[i].const_data_ptr() : nullptr);
            std::copy_n(host_[i].strides().data(), host_[i].dim(), d.strides);
          }
          for (std::size_t i = 0; i < previous_host_.size() && i < previous_.size(); ++i)
            if (previous_host_[i].defined()) previous_host_[i].copy_(previous_[i]);
        },
        [] { return std::string("reading outputs"); });
    if (done) done = memory_.mirror().fetch_slot(block.order[(block.first + call) % slots]);
    if (!done) failed(block, done.error());
  }

  void run(protocol::Block& block) {
    const auto flags = block.flags, batch = block.batch,
               slots = std::clamp<std::uint32_t>(block.slots, 1, protocol::max_slots);
    const auto first = block.first;
    if (flags & protocol::hoard)
      std::ranges::move(outputs_, std::back_inserter(hoard_));
    else
      hoard_.clear();
    if (flags & protocol::keep) {
      previous_ = std::move(outputs_);
      previous_host_ = std::move(host_);
    } else {
      previous_.clear();
      previous_host_.clear();
    }
    outputs_.clear();
    host_.clear();
    const std::string* structure = nullptr;
    if (flags & protocol::poison) watch_memory();
    if (gpu_ && (flags & protocol::poison)) watch_gpu_memory();
    Status done{};
    batch_.clear();
    for (std::uint32_t i = 0; i < batch && done; ++i) {
      // The judge may look at any call of a batch, and says at which one only when all have been made.
      if (i > 0) std::ranges::move(outputs_, std::back_inserter(batch_));
      outputs_.clear();
      done = callee_.call(block.order[(first + i) % slots], outputs_, structure);
    }
    if (gpu_) done = waited(std::move(done));
    if (batch > 1) {
      std::ranges::move(outputs_, std::back_inserter(batch_));
      outputs_.swap(batch_);
      batch_.clear();
    }
    if (flags & protocol::poison) {
      const auto report = memory_watched();
      block.peak_bytes = report.peak_bytes;
      block.guard_broken = report.guard_broken;
      if (gpu_) {
        const auto looked = catching([&] { block.guard_broken = block.guard_broken + gpu_memory_watched(); },
                                     [] { return std::string("looking at guard zones"); });
        if (!looked && done) done = looked;
      }
    }
    if (done && structure)
      describe(block, *structure);
    else
      failed(block, done ? Error{"no call was asked for", "", "", "protocol"} : done.error());
  }

  /// A call ends when the GPU is done. What is wrong there outweighs what the call said; where the GPU is lost to this
  /// process, it ends after its reply.
  Status waited(Status done) {
    auto synchronized = synchronize_cuda();
    if (synchronized) return done;
    broken_ = !synchronize_cuda();
    return synchronized;
  }

  void describe(protocol::Block& block, const std::string& structure) {
    if (outputs_.size() > protocol::max_tensors || structure.size() >= sizeof block.structure)
      return failed(block, {"the result has more than 256 tensors, or too deep a structure", "", "", "structure"});
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      at::Tensor& t = outputs_[i];
      const char* reason = nullptr;
      if (const char* why = unreadable(t, gpu_, reason))
        return failed(block, {why, "output " + std::to_string(i), "", reason});
      if (t.is_conj()) t = t.resolve_conj();
      if (t.is_neg()) t = t.resolve_neg();
      auto& d = block.tensor[i];
      d.place = reinterpret_cast<std::uint64_t>(t.numel() ? t.const_data_ptr() : nullptr);
      d.address = copies_ ? 0 : d.place;
      d.dtype = static_cast<std::int32_t>(t.scalar_type());
      d.dims = static_cast<std::int32_t>(t.dim());
      std::copy_n(t.sizes().data(), t.dim(), d.sizes);
      std::copy_n(t.strides().data(), t.dim(), d.strides);
    }
    put(block.structure, structure);
    block.tensors = static_cast<std::uint32_t>(outputs_.size());
    block.state = protocol::State::ok;
  }

  void failed(protocol::Block& block, const Error& e) {
    put(block.reason, e.reason.empty() ? "crash" : e.reason);
    put(block.message, to_text(e));
    block.tensors = 0;
    block.state = protocol::State::failed;
  }

  Callee& callee_;
  SharedMemory& memory_;
  std::string buffer_;
  bool gpu_, copies_, broken_ = false;
  std::vector<at::Tensor> outputs_, batch_, previous_, hoard_;
  std::vector<at::Tensor> host_, previous_host_;  ///< copies of outputs that lie on a GPU
};

}  // namespace

int serve(Callee& callee, SharedMemory& memory, const json& hello) {
  if (memory.on_gpu()) {
    if (auto ok = ensure_cuda(); !ok) {
      std::fprintf(stderr, "burnish-worker: %s\n", to_text(ok.error()).c_str());
      return 2;
    }
    warm_up_cuda();
  }
  return Loop(callee, memory).run(hello);
}

void warm_up_cuda() {
  const auto x = at::ones({256, 256}, at::TensorOptions(at::kCUDA));
  at::mm(x, x);  // loads cuBLAS and makes its workspace
  (void)synchronize_cuda();
}

void warm_up_torch(int threads) {
  at::set_num_threads(threads);
  const auto x = at::ones({256, 256});
  at::sum(at::gelu(at::mm(x, x)));
  at::conv2d(at::ones({1, 8, 32, 32}), at::ones({8, 8, 3, 3}));
  at::parallel_for(0, 1 << 20, 1, [](std::int64_t, std::int64_t) {});
}

}  // namespace burnish
