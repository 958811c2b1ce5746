#include "runtime/remote.h"

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/nursery.h"
#include "base/process_tree.h"
#include "base/sandbox.h"
#include "runtime/sweep.h"

namespace burnish {
namespace {

constexpr std::uint64_t log_bytes = 256 << 10;  // the worker can write no more to stderr
constexpr std::size_t most_reply_bytes = 16 << 20;
/// Outputs of one call may not fill the judge's memory: a worker can describe memory that costs it nothing.
std::uint64_t most_output_bytes() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE)) / 4;
}
constexpr auto freeze_timeout = std::chrono::milliseconds(5000);

Clock::time_point after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

int milliseconds_until(Clock::time_point deadline) {
  return static_cast<int>(std::clamp<std::int64_t>(
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count(), 0, 1'000'000));
}

/// A file of fixed size for stderr: writes beyond its end fail, so no log fills a disk or memory.
Result<Fd> make_log() {
  Fd fd(memfd_create("burnish-log", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return system_failure("memfd_create", "log");
  if (ftruncate(fd.get(), log_bytes) != 0) return system_failure("ftruncate", "log");
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return system_failure("fcntl(F_ADD_SEALS)", "log");
  return fd;
}

template <std::size_t n>
std::string text_of(const char (&field)[n]) {
  std::string text(field, strnlen(field, n));
  // What came from a candidate is shown to people: printable text only.
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 && c != '\n' && c != '\t'; }, '?');
  return text;
}

bool is_reason(const std::string& word) {
  static const std::set<std::string> words = {"kernel", "compile",   "object",      "crash",       "timeout",
                                              "memory", "resources", "protocol",    "structure",   "shape",
                                              "dtype",  "device",    "values",      "parameters",  "prepare-budget",
                                              "plan",   "inputs",    "unsupported", "environment", "file",
                                              "import", "model",     "too-large",   "random",      "stateful"};
  return words.contains(word);
}

Outcome outcome_of(const Error& e) {
  Outcome o;
  o.reason = is_reason(e.reason) ? e.reason : "protocol";
  o.message = to_text(e);
  return o;
}

constexpr std::uint64_t most_open_files = 1024;

Result<Process> spawn_worker(const RemoteOptions& options, const std::vector<std::pair<int, int>>& fds) {
  SandboxOptions box;
  box.argv = options.argv;
  for (const auto& path : options.readable) box.readable.emplace_back(path);
  box.env = options.env;
  box.tmp_bytes = options.tmp_bytes;
  box.fds = fds;
  box.gpu = options.device == protocol::Device::cuda;
  // CUDA reserves address space for all of a machine's memory: a limit on it would be a limit on nothing.
  if (options.memory_bytes && !box.gpu) box.limits.data_bytes = options.memory_bytes;
  box.limits.open_files = most_open_files;
  if (options.sandbox) {
    box.limits.file_bytes = std::max<std::uint64_t>(options.tmp_bytes, log_bytes);
    box.limits.processes = 4096;  // where it counts this sandbox alone; the Python form lowers it inside
    TRY(confined, confine(box));
    return spawn(confined.spawn);
  }
  auto plain = unconfined(box);
  plain.directory.clear();
  // bwrap does this for the others: a worker that is stopped would outlive a judge that was killed.
  plain.prepare = []() -> const char* { return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? nullptr : "prctl"; };
  std::vector<std::string> env;
  for (char** e = environ; *e; ++e) env.emplace_back(*e);
  for (const auto& [name, value] : options.env) {
    std::erase_if(env, [&](const std::string& e) { return e.starts_with(name + "="); });
    env.push_back(name + "=" + value);
  }
  plain.env = std::move(env);
  return spawn(plain);
}

Result<Process> fork_worker(const RemoteOptions& options, const std::vector<std::pair<int, int>>& fds) {
  auto request = json::parse(options.nursery_request.empty() ? "{}" : options.nursery_request);
  request["memory_bytes"] = options.memory_bytes;
  request["open_files"] = most_open_files;
  return fork_from(options.nursery, std::move(request), fds, options.start_timeout_s);
}

}  // namespace

Result<std::unique_ptr<Remote>> Remote::start(const RemoteOptions& options) {
  std::unique_ptr<Remote> remote(new Remote);
  remote->options_ = options;
  TRY(arena, Arena::make(options.device != protocol::Device::cpu));
  TRY(control, make_socketpair());
  TRY(call, make_socketpair());
  TRY(log, make_log());
  remote->arena_ = std::move(arena);
  remote->arena_->block().device = options.device;

  const std::vector<std::pair<int, int>> fds = {{log.get(), 2},
                                                {control.second.get(), protocol::control_fd},
                                                {call.second.get(), protocol::call_fd},
                                                {remote->arena_->block_fd(), protocol::block_fd},
                                                {remote->arena_->arena_fd(), protocol::arena_fd}};
  auto process = options.nursery >= 0 ? fork_worker(options, fds) : spawn_worker(options, fds);
  if (!process) return std::unexpected(process.error());
  remote->process_ = std::move(*process);
  remote->control_ = std::move(control.first);
  remote->call_ = std::move(call.first);
  remote->log_ = std::move(log);
  return remote;
}

Remote::~Remote() {
  close();
}

void Remote::close() {
  control_.reset();
  call_.reset();
  if (process_.pid() <= 0) return;
  // A worker that still obeys ends by itself at the end of its sockets; nobody waits for that.
  for (const auto& member : process_tree(process_.pid())) kill(member.pid, SIGKILL);
  process_.kill();
  process_.wait();
  if (!dead_) dead_ = Error{"the worker was closed", "", "", "protocol"};
}

std::string Remote::log() const {
  std::string text(log_bytes, '\0');
  const auto got = pread(log_.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  text.resize(strnlen(text.data(), text.size()));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool Remote::alive() {
  return !dead_ && process_.pid() > 0 && !process_.poll();
}

Error Remote::died_error() {
  if (dead_) return *dead_;
  thaw();
  auto exit = process_.wait(after(3));
  for (const auto& member : process_tree(process_.pid())) kill(member.pid, SIGKILL);
  const auto text = log();
  // bwrap passes a signal on as 128 and its number.
  if (const auto* e = std::get_if<Exited>(&exit); e && options_.sandbox && e->code > 128 && e->code < 128 + 65)
    exit = Signalled{e->code - 128};
  std::string reason = "crash", what = "the worker ended: " + describe(exit);
  if (const auto* s = std::get_if<Signalled>(&exit)) {
    if (s->signal == SIGKILL) reason = "memory", what = "the worker was killed, most likely for want of memory";
    if (s->signal == SIGSYS) what = "the worker made a system call that candidates may not make";
    if (s->signal == SIGXCPU) reason = "timeout";
    if (s->signal == SIGXFSZ) reason = "resources", what = "the worker wrote a file larger than it may";
  } else if (std::holds_alternative<OutOfMemory>(exit)) {
    reason = "memory", what = "the worker was killed, most likely for want of memory";
  } else if (std::holds_alternative<TimedOut>(exit)) {
    reason = "protocol", what = "the worker closed its sockets and went on";
  }
  for (const char* sign : {"bad_alloc", "can't allocate memory", "MemoryError", "Cannot allocate memory"})
    if (reason == "crash" && text.find(sign) != std::string::npos) reason = "memory";
  if (!ready_) {
    reason = "environment";
    what = "the worker did not start: " + describe(exit);
  }
  const auto tail = text.size() > 600 ? "..." + text.substr(text.size() - 600) : text;
  dead_ = Error{what, "", "", reason};
  if (!tail.empty()) dead_->todo = "it wrote: " + tail;
  return *dead_;
}

Outcome Remote::died() {
  return outcome_of(died_error());
}

Status Remote::hello() {
  if (ready_) return {};
  const auto deadline = after(options_.start_timeout_s);
  // The same reader as for replies; nothing was asked.
  while (buffer_.find('\n') == std::string::npos) {
    pollfd p{control_.get(), POLLIN, 0};
    if (poll(&p, 1, milliseconds_until(deadline)) <= 0) {
      process_.kill();
      died_error();
      dead_ =
          Error{fmt::format("the worker did not start within {:.0f} s", options_.start_timeout_s), "", "", "timeout"};
      return std::unexpected(*dead_);
    }
    char chunk[4096];
    const auto got = recv(control_.get(), chunk, sizeof chunk, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::unexpected(died_error());
    buffer_.append(chunk, static_cast<std::size_t>(got));
    if (buffer_.size() > most_reply_bytes) return fail("the worker's greeting has no end", "worker", "", "protocol");
  }
  const auto line = buffer_.substr(0, buffer_.find('\n'));
  buffer_.erase(0, line.size() + 1);
  const auto greeting = json::parse(line, nullptr, false);
  const json none = json::object();
  const json& ok = greeting.is_object() && greeting.contains("ok") ? greeting["ok"] : none;
  const auto inner =
      ok.is_object() && ok.contains("pid") && ok["pid"].is_number_integer() ? ok["pid"].get<pid_t>() : -1;
  // A list of /proc is no snapshot: where many processes come and go, one is missed now and then.
  for (int again = 0; again < 50; ++again) {
    worker_ = find_inner_pid(process_.pid(), inner).value_or(-1);
    if (worker_ >= 0 || inner < 0) break;
    pollfd closed{control_.get(), POLLRDHUP, 0};
    if (poll(&closed, 1, 20) > 0 && (closed.revents & (POLLHUP | POLLRDHUP))) return std::unexpected(died_error());
  }
  if (worker_ < 0)
    return fail("the worker's process cannot be found", "/proc", "Burnish needs /proc mounted", "environment");
  ready_ = true;
  return {};
}

Result<json> Remote::request(const json& message, double timeout_s) {
  if (dead_) return std::unexpected(*dead_);
  if (auto ok = hello(); !ok) return std::unexpected(ok.error());
  thaw();
  last_.clear();
  before_.clear();
  const auto deadline = after(timeout_s);
  const auto text = message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  const unsigned char byte = protocol::control_byte;
  if (send(call_.get(), &byte, 1, MSG_NOSIGNAL) != 1) return std::unexpected(died_error());
  std::size_t sent = 0;
  buffer_.clear();
  while (buffer_.find('\n') == std::string::npos) {
    pollfd p{control_.get(), static_cast<short>(sent < text.size() ? POLLIN | POLLOUT : POLLIN), 0};
    const int ready = poll(&p, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      close();
      dead_ = Error{fmt::format("no answer within {:.0f} s", timeout_s), message.value("do", ""), "", "timeout"};
      return std::unexpected(*dead_);
    }
    if (p.revents & POLLOUT) {
      const auto put = send(control_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) sent += static_cast<std::size_t>(put);
      if (put < 0 && errno != EAGAIN && errno != EINTR) return std::unexpected(died_error());
    }
    if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
      char chunk[65536];
      const auto got = recv(control_.get(), chunk, sizeof chunk, MSG_DONTWAIT);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got <= 0) return std::unexpected(died_error());
      buffer_.append(chunk, static_cast<std::size_t>(got));
      if (buffer_.size() > most_reply_bytes) return fail("a reply has no end", message.value("do", ""), "", "protocol");
    }
  }
  const auto reply = json::parse(buffer_.substr(0, buffer_.find('\n')), nullptr, false);
  if (sent < text.size() || !reply.is_object() || buffer_.find('\n') + 1 != buffer_.size())
    return fail("the worker's reply is not one JSON line", message.value("do", ""), "", "protocol");
  if (reply.contains("ok")) return reply["ok"];
  const auto word = [&](const char* key) {
    const json none = json::object();
    const json& e = reply.contains("error") && reply["error"].is_object() ? reply["error"] : none;
    return e.contains(key) && e[key].is_string() ? e[key].get<std::string>().substr(0, 4000) : std::string();
  };
  auto reason = word("reason");
  return fail(word("what"), word("where"), word("todo"), is_reason(reason) ? reason : "protocol");
}

Result<json> Remote::set_params(std::vector<NamedTensor> params, double timeout_s) {
  thaw();  // the old places are given up: the worker must not sleep in the middle of reading them
  TRY(described, arena_->place_params(std::move(params)));
  return request({{"do", "params"}, {"params", described}, {"region", arena_->params_region()}}, timeout_s);
}

std::string Remote::params_changed() {
  // A worker that cannot say so is dead, which the next call finds out.
  if (copies() && !request({{"do", "fetch_params"}}, options_.start_timeout_s)) return {};
  return arena_->params_changed();
}

Status Remote::write_params(const std::vector<NamedTensor>& params) {
  return arena_->write_params(params);
}

Result<json> Remote::set_slots(std::vector<std::vector<Leaf>> slots, double timeout_s) {
  TRY(described, arena_->place_slots(std::move(slots)));
  stale_.clear();
  return request({{"do", "slots"}, {"slots", described}, {"regions", arena_->slot_regions()}}, timeout_s);
}

Status Remote::overwrite_slots(const std::vector<std::vector<Leaf>>& slots) {
  for (std::uint32_t i = 0; copies() && i < slots.size(); ++i) stale_.insert(i);
  return arena_->write_slots(slots);
}

/// Brings slots that were written since they were last copied up to date, before calls that do not copy them.
Status Remote::restage(double timeout_s) {
  auto& block = arena_->block();
  while (!stale_.empty()) {
    const std::uint32_t slot = *stale_.begin();
    stale_.erase(stale_.begin());
    if (slot >= arena_->slots()) continue;
    arena_->rebase(slot);
    block.flags = protocol::only | protocol::stage;
    block.vary_seed = 0;
    block.first = 0;
    block.slots = 1;
    block.batch = 1;
    block.order[0] = slot;
    if (auto ok = exchange(timeout_s); !ok) return ok;
  }
  return {};
}

void Remote::freeze() {
  if (dead_ || process_.pid() <= 0 || frozen_) return;
  frozen_ = true;
  // Looking for a tree reads all of /proc, 40 times in a second of timing.
  if (alone_) {
    freeze_process(worker_, freeze_timeout);
    return;
  }
  if (worker_ > 0) kill(worker_, SIGSTOP);  // at once; the rest of the tree is found afterwards
  freeze_tree(process_.pid(), worker_depth(), freeze_timeout);
}

void Remote::thaw() {
  if (!frozen_) return;
  frozen_ = false;
  if (alone_)
    kill(worker_, SIGCONT);
  else
    thaw_tree(process_.pid(), worker_depth());
}

bool Remote::sealed() {
  if (!options_.sandbox) return true;
  int below = 0;
  for (const auto& member : process_tree(process_.pid())) below += member.depth >= worker_depth();
  const auto filters = status_field(worker_, "Seccomp_filters").value_or("2");
  const bool one = below == 1 && std::atoi(filters.c_str()) >= 2;
  alone_ = one && worker_ > 0;
  return one;
}

/// Wakes the worker for what the block says and waits for its reply.
Status Remote::exchange(double timeout_s) {
  unsigned char byte = 0;
  if (recv(call_.get(), &byte, 1, MSG_DONTWAIT) > 0)
    return fail("the worker spoke before it was asked", "call socket", "", "protocol");
  static thread_local std::minstd_rand random{std::random_device{}()};
  const auto nonce = static_cast<unsigned char>(1 + random() % 255);
  if (send(call_.get(), &nonce, 1, MSG_NOSIGNAL) != 1) return std::unexpected(died_error());
  pollfd p{call_.get(), POLLIN, 0};
  const auto deadline = after(timeout_s);
  int ready;
  do ready = poll(&p, 1, milliseconds_until(deadline));
  while (ready < 0 && errno == EINTR);
  if (ready <= 0) {
    close();
    dead_ = Error{fmt::format("the call did not end within {:.0f} s", timeout_s), "", "", "timeout"};
    return std::unexpected(*dead_);
  }
  const auto got = recv(call_.get(), &byte, 1, 0);
  if (got <= 0) return std::unexpected(died_error());
  if (byte != nonce) return fail("the worker answered something else than it was asked", "call socket", "", "protocol");
  return {};
}

Result<at::Tensor> Remote::read_tensor(const protocol::Tensor& d) const {
  const auto lie = [](const char* what) {
    return fail(std::string("an output's description is false: ") + what, "control block", "", "protocol");
  };
  if (d.dtype < 0 || d.dtype >= static_cast<std::int32_t>(c10::ScalarType::NumOptions)) return lie("unknown dtype");
  const auto type = static_cast<c10::ScalarType>(d.dtype);
  if (c10::isQIntType(type) || type == c10::ScalarType::Undefined || c10::isBitsType(type)) return lie("unknown dtype");
  if (d.dims < 0 || d.dims > protocol::max_dims) return lie("too many dimensions");
  std::uint64_t elements = 1, last = 0;
  for (int i = 0; i < d.dims; ++i) {
    std::uint64_t reach = 0;
    if (d.sizes[i] < 0 || d.strides[i] < 0) return lie("a negative size or stride");
    if (d.sizes[i] == 0) elements = 0;
    if (elements && (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(d.sizes[i]), &elements) ||
                     __builtin_mul_overflow(static_cast<std::uint64_t>(d.sizes[i] - 1),
                                            static_cast<std::uint64_t>(d.strides[i]), &reach) ||
                     __builtin_add_overflow(last, reach, &last)))
      return lie("sizes that overflow");
  }
  const std::uint64_t size = c10::elementSize(type);
  const std::uint64_t span = elements ? last + 1 : 0;
  if (elements > most_output_bytes() / size || span > most_output_bytes() / size)
    return lie("more bytes than an output may have");
  at::Tensor storage;
  try {
    storage = at::empty({static_cast<std::int64_t>(span)}, at::TensorOptions().dtype(type));
  } catch (const std::exception&) {
    return fail("the judge has no memory for a copy of an output", std::to_string(span * size) + " bytes", "",
                "memory");
  }
  const std::uint64_t bytes = span * size;
  for (std::uint64_t done = 0; done < bytes;) {
    iovec local{static_cast<char*>(storage.mutable_data_ptr()) + done, bytes - done};
    iovec remote{reinterpret_cast<void*>(d.address + done), bytes - done};
    const auto got = process_vm_readv(worker_, &local, 1, &remote, 1, 0);
    if (got < 0 && errno == EPERM)
      return fail("the judge may not read its worker's memory", "process_vm_readv",
                  "allow ptrace of child processes (kernel.yama.ptrace_scope <= 1)", "environment");
    if (got <= 0) return lie("memory that is not there");
    done += static_cast<std::uint64_t>(got);
  }
  if (type == c10::ScalarType::Bool) {  // any other byte would be undefined behaviour here
    auto* p = static_cast<unsigned char*>(storage.mutable_data_ptr());
    if (std::any_of(p, p + bytes, [](unsigned char c) { return c > 1; }))
      return lie("booleans that are neither true nor false");
  }
  return storage.as_strided(at::IntArrayRef(d.sizes, static_cast<std::size_t>(d.dims)),
                            at::IntArrayRef(d.strides, static_cast<std::size_t>(d.dims)));
}

Outcome Remote::read_outcome(std::uint32_t call, std::uint32_t batch) {
  const auto block = arena_->snapshot();
  Outcome o;
  o.peak_bytes = block->peak_bytes;
  o.guard_broken = block->guard_broken;
  last_.clear();
  if (block->state == protocol::State::failed) {
    o.reason = text_of(block->reason);
    if (!is_reason(o.reason)) o.reason = "protocol";
    o.message = text_of(block->message);
    return o;
  }
  if (block->state != protocol::State::ok || block->tensors > protocol::max_tensors || block->tensors % batch != 0)
    return outcome_of({"the reply came before the call's result", "control block", "", "protocol"});
  std::uint64_t total = 0;
  const std::uint32_t each = block->tensors / batch;
  for (std::uint32_t i = call * each; i < (call + 1) * each; ++i) {
    auto tensor = read_tensor(block->tensor[i]);
    if (!tensor) return outcome_of(tensor.error());
    total += tensor->storage().nbytes();
    if (total > most_output_bytes())
      return outcome_of({"the outputs are larger than may be", "control block", "", "protocol"});
    o.tensors.push_back(*tensor);
    o.addresses.push_back(block->tensor[i].place);
    last_.push_back(block->tensor[i]);
  }
  o.structure.assign(block->structure, strnlen(block->structure, sizeof block->structure));
  if (!json::accept(o.structure) && o.structure.find("NaN") == std::string::npos &&
      o.structure.find("Infinity") == std::string::npos)
    return outcome_of({"the result's structure is no JSON", "control block", "", "protocol"});
  last_structure_ = o.structure;
  o.ok = true;
  return o;
}

Outcome Remote::call(std::uint32_t slot, std::uint32_t flags, double timeout_s) {
  if (dead_) return outcome_of(*dead_);
  if (auto ok = hello(); !ok) return outcome_of(ok.error());
  if (slot >= arena_->slots()) return outcome_of({"no such slot", std::to_string(slot), "", "protocol"});
  auto& block = arena_->block();
  block.first = 0;
  block.slots = 1;
  block.order[0] = slot;
  block.flags = flags | (copies() ? protocol::stage | protocol::fetch : 0U);
  block.vary_seed = 0;
  block.fetched = 0;
  if (copies()) {
    arena_->rebase(slot);
    stale_.erase(slot);
  }
  block.batch = 1;
  block.peak_bytes = 0;
  block.guard_broken = 0;
  block.state = protocol::State::idle;
  before_ = last_;
  before_structure_ = last_structure_;
  if (!(flags & protocol::keep)) before_.clear();
  thaw();
  if (auto ok = exchange(timeout_s); !ok) return outcome_of(ok.error());
  freeze();
  auto outcome = read_outcome();
  outcome.slot = slot;
  return outcome;
}

Outcome Remote::previous() {
  if (dead_) return outcome_of(*dead_);
  freeze();
  Outcome o;
  o.structure = before_structure_;
  for (const auto& described : before_) {
    auto tensor = read_tensor(described);
    if (!tensor) return outcome_of(tensor.error());
    o.tensors.push_back(*tensor);
  }
  o.ok = true;
  return o;
}

Status Remote::stage(const TimeOptions& options, std::uint64_t seed) {
  auto& block = arena_->block();
  const bool varies = !options.vary.empty();
  if (!varies && !options.flush) return {};
  block.flags = protocol::only | (varies ? protocol::stage : 0U) | (options.flush ? protocol::flush : 0U);
  block.vary_seed = seed;
  const auto name = [&](const std::vector<std::uint32_t>& leaves, volatile std::uint32_t* list) {
    const auto count = std::min<std::size_t>(leaves.size(), protocol::max_slots);
    for (std::size_t i = 0; i < count; ++i) list[i] = leaves[i];
    return static_cast<std::uint32_t>(count);
  };
  block.varied = name(options.vary, block.vary);
  block.poked = name(options.poke, block.poke);
  block.state = protocol::State::ok;
  if (auto ok = exchange(options.timeout_s); !ok) return ok;
  if (block.state == protocol::State::ok) return {};
  const auto said = arena_->snapshot();
  return fail(text_of(said->message), {}, {}, is_reason(text_of(said->reason)) ? text_of(said->reason) : "protocol");
}

Status Remote::fetch(std::uint32_t call, double timeout_s) {
  auto& block = arena_->block();
  block.flags = protocol::only | protocol::fetch;
  block.fetched = call;
  return exchange(timeout_s);
}

Timed Remote::time(const TimeOptions& options) {
  Timed timed;
  const auto end = [&](Outcome o) {
    timed.failed = std::move(o);
    return timed;
  };
  if (dead_) return end(outcome_of(*dead_));
  if (auto ok = hello(); !ok) return end(outcome_of(ok.error()));
  const auto slots = static_cast<std::uint32_t>(options.order.size());
  const auto known = [&](std::uint32_t slot) { return slot < arena_->slots(); };
  if (slots == 0 || slots > protocol::max_slots || !std::ranges::all_of(options.order, known))
    return end(outcome_of({"no slots, too many, or slots that do not exist", "time", "", "protocol"}));
  thaw();
  auto& block = arena_->block();
  if (auto fresh = restage(options.timeout_s); !fresh) return end(outcome_of(fresh.error()));
  timed.seconds.reserve(options.calls);
  before_.clear();
  last_.clear();
  for (std::uint32_t i = 0; i < slots; ++i) block.order[i] = options.order[i];
  block.slots = slots;
  std::uint32_t at = 0;  // into the order
  std::minstd_rand random{std::random_device{}()};
  bool rewarm = false;  // after a freeze the first call pays for waking up: it does not count
  for (std::uint32_t i = 0; i < options.calls;) {
    const std::uint64_t seed = (std::uint64_t{random()} << 31 | random()) + 1;
    block.first = at;
    block.batch = options.batch;
    if (copies()) {
      if (auto staged = stage(options, seed); !staged) return end(outcome_of(staged.error()));
    } else if (!options.vary.empty())
      for (std::uint32_t b = 0; b < std::min(options.batch, slots); ++b)
        arena_->vary(options.order[(at + b) % slots], options.vary, options.poke);
    if (options.flush && !copies()) sweep_caches();
    block.flags = 0;
    block.state = protocol::State::idle;
    const auto start = Clock::now();
    const auto done = exchange(options.timeout_s);
    const double seconds = Seconds(Clock::now() - start).count();
    if (!done) return end(outcome_of(done.error()));
    const bool wanted = !rewarm && options.sample.contains(i);
    if (wanted || block.state != protocol::State::ok) {
      freeze();
      // Any call of the batch, drawn when all are over: nobody gains by leaving out the others.
      const auto chosen = std::uniform_int_distribution<std::uint32_t>(0, options.batch - 1)(random);
      const std::uint32_t last = options.order[(at + chosen) % slots];
      if (copies() && block.state == protocol::State::ok) {
        thaw();
        if (auto fetched = fetch(chosen, options.timeout_s); !fetched) return end(outcome_of(fetched.error()));
        freeze();
        if (!options.vary.empty()) arena_->vary_as(last, seed, chosen, options.vary, options.poke);
      }
      auto outcome = read_outcome(chosen, options.batch);
      outcome.slot = last;
      outcome.inputs = arena_->tensors_of(last);
      if (const auto what = arena_->slot_changed(last); outcome.ok && !what.empty()) {
        outcome.ok = false;
        outcome.reason = "input-changed";
        outcome.message = "the candidate wrote to " + what;
      }
      if (!outcome.ok) return end(std::move(outcome));
      timed.sampled.emplace(i, std::move(outcome));
      thaw();
    }
    if (rewarm) {
      rewarm = false;
      continue;
    }
    at = (at + options.batch) % slots;
    timed.seconds.push_back(seconds);
    ++i;
    rewarm = wanted;
  }
  return timed;
}

}  // namespace burnish
