#include "runtime/worker_loop.h"

#include <ATen/Parallel.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sum.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "base/protocol.h"
#include "runtime/allocator.h"

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
const char* unreadable(const at::Tensor& t, const char*& reason) {
  reason = "structure";
  if (!t.defined()) return "an output is an undefined tensor";
  if (t.device().type() != c10::DeviceType::CPU) {
    reason = "device";
    return "an output is not on the CPU";
  }
  if (t.layout() != c10::kStrided || t.is_nested() || t.is_quantized()) return "an output is not a dense tensor";
  if (t.dim() > protocol::max_dims) return "an output has more than 12 dimensions";
  if (!t.has_storage()) return "an output has no storage of its own (a lazy or wrapped tensor)";
  return nullptr;
}

class Loop {
 public:
  Loop(Callee& callee, SharedMemory& memory) : callee_(callee), memory_(memory) {}

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
    previous_.clear();
    hoard_.clear();
    const auto done = callee_.control(request, memory_);
    const json reply = done ? json{{"ok", *done}} : error_json(done.error());
    return write_all(protocol::control_fd, reply.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  }

  void calls() {
    auto& block = memory_.block();
    const auto flags = block.flags, batch = block.batch,
               slots = std::clamp<std::uint32_t>(block.slots, 1, protocol::max_slots);
    const auto first = block.first;
    if (flags & protocol::hoard)
      std::ranges::move(outputs_, std::back_inserter(hoard_));
    else
      hoard_.clear();
    if (flags & protocol::keep)
      previous_ = std::move(outputs_);
    else
      previous_.clear();
    outputs_.clear();
    const std::string* structure = nullptr;
    if (flags & protocol::poison) watch_memory();
    Status done{};
    batch_.clear();
    for (std::uint32_t i = 0; i < batch && done; ++i) {
      // The judge may look at any call of a batch, and says at which one only when all have been made.
      if (i > 0) std::ranges::move(outputs_, std::back_inserter(batch_));
      outputs_.clear();
      done = callee_.call(block.order[(first + i) % slots], outputs_, structure);
    }
    if (batch > 1) {
      std::ranges::move(outputs_, std::back_inserter(batch_));
      outputs_.swap(batch_);
      batch_.clear();
    }
    if (flags & protocol::poison) {
      const auto report = memory_watched();
      block.peak_bytes = report.peak_bytes;
      block.guard_broken = report.guard_broken;
    }
    if (done && structure)
      describe(block, *structure);
    else
      failed(block, done ? Error{"no call was asked for", "", "", "protocol"} : done.error());
  }

  void describe(protocol::Block& block, const std::string& structure) {
    if (outputs_.size() > protocol::max_tensors || structure.size() >= sizeof block.structure)
      return failed(block, {"the result has more than 256 tensors, or too deep a structure", "", "", "structure"});
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      at::Tensor& t = outputs_[i];
      const char* reason = nullptr;
      if (const char* why = unreadable(t, reason))
        return failed(block, {why, "output " + std::to_string(i), "", reason});
      if (t.is_conj()) t = t.resolve_conj();
      if (t.is_neg()) t = t.resolve_neg();
      auto& d = block.tensor[i];
      d.address = reinterpret_cast<std::uint64_t>(t.numel() ? t.const_data_ptr() : nullptr);
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
  std::vector<at::Tensor> outputs_, batch_, previous_, hoard_;
};

}  // namespace

int serve(Callee& callee, SharedMemory& memory, const json& hello) {
  return Loop(callee, memory).run(hello);
}

void warm_up_torch(int threads) {
  at::set_num_threads(threads);
  const auto x = at::ones({256, 256});
  at::sum(at::gelu(at::mm(x, x)));
  at::conv2d(at::ones({1, 8, 32, 32}), at::ones({8, 8, 3, 3}));
  at::parallel_for(0, 1 << 20, 1, [](std::int64_t, std::int64_t) {});
}

}  // namespace burnish
