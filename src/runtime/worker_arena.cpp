#include "runtime/worker_arena.h"

#include <ATen/ops/from_blob.h>
#include <sys/mman.h>

#include <cstdlib>

#include "base/process.h"

namespace burnish {

Result<std::unique_ptr<SharedMemory>> SharedMemory::map(int block_fd, int arena_fd) {
  void* block = mmap(nullptr, sizeof(protocol::Block), PROT_READ | PROT_WRITE, MAP_SHARED, block_fd, 0);
  if (block == MAP_FAILED) return system_failure("mmap", "control block");
  void* arena = mmap(nullptr, protocol::arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, arena_fd, 0);
  if (arena == MAP_FAILED) return system_failure("mmap", "input arena");
  auto* b = static_cast<protocol::Block*>(block);
  if (b->magic != protocol::magic)
    return fail("judge and worker are of different versions", "control block", "build both again", "environment");
  return std::unique_ptr<SharedMemory>(new SharedMemory(b, static_cast<char*>(arena)));
}

Result<at::Tensor> SharedMemory::tensor(const json& d) const {
  try {
    const auto sizes = d.at("sizes").get<std::vector<std::int64_t>>();
    const auto strides = d.at("strides").get<std::vector<std::int64_t>>();
    const auto dtype = static_cast<c10::ScalarType>(d.at("dtype").get<int>());
    if (copies()) {
      char* address = mirror_.address(d.at("offset").get<std::uint64_t>());
      if (!address) return fail("the tensor lies in no part of the arena", d.dump(), "", "protocol");
      return at::from_blob(
          address, sizes, strides, [](void*) {}, at::TensorOptions(on_gpu() ? at::kCUDA : at::kCPU).dtype(dtype));
    }
    return at::from_blob(arena_ + d.at("offset").get<std::uint64_t>(), sizes, strides,
                         at::TensorOptions().dtype(dtype));
  } catch (const std::exception& e) {
    return fail(std::string("a tensor of the arena cannot be made: ") + e.what(), d.dump(), "", "protocol");
  }
}

Result<c10::IValue> SharedMemory::leaf(const json& d) const {
  if (!d.contains("value")) {
    TRY(made, tensor(d));
    return c10::IValue(made);
  }
  const json& v = d["value"];
  if (v.is_null()) return c10::IValue();
  if (v.is_boolean()) return c10::IValue(v.get<bool>());
  if (v.is_number_integer()) return c10::IValue(v.get<std::int64_t>());
  if (v.is_number()) return c10::IValue(v.get<double>());
  if (v.is_string()) return c10::IValue(v.get<std::string>());
  if (v.is_object() && v.contains("float"))
    return c10::IValue(std::strtod(v["float"].get<std::string>().c_str(), nullptr));
  return fail("an argument is neither a tensor nor a simple value", v.dump(), "", "inputs");
}

}  // namespace burnish
