#include "base/cuda_object.h"

#include "base/json.h"

namespace burnish::cuda {
namespace {

constexpr std::string_view magic = "burnish cuda object 1 ";

std::unexpected<Error> broken(std::string what) {
  return fail(std::move(what), "compiled kernel", "compile the plan's sources again", "object");
}

}  // namespace

std::string encode(const Object& object) {
  json kernels = json::object();
  for (const auto& [name, k] : object.kernels)
    kernels[name] = {{"signature", k.signature},
                     {"registers", k.registers},
                     {"spilled_bytes", k.spilled_bytes},
                     {"shared_bytes", k.shared_bytes}};
  const json header = {{"architecture", object.architecture}, {"kernels", kernels}, {"bytes", object.cubin.size()}};
  return std::string(magic) + header.dump() + "\n" + object.cubin;
}

Result<Object> decode(std::string_view bytes) {
  if (!bytes.starts_with(magic)) return broken("the file is no compiled CUDA source");
  const auto end = bytes.find('\n');
  if (end == bytes.npos) return broken("the file ends in its header");
  try {
    const auto header = json::parse(bytes.substr(magic.size(), end - magic.size()));
    Object object{header.at("architecture"), {}, std::string(bytes.substr(end + 1))};
    if (object.cubin.size() != header.at("bytes").get<std::size_t>()) return broken("the file is cut short");
    for (const auto& [name, k] : header.at("kernels").items())
      object.kernels[name] = {k.at("signature"), k.at("registers"), k.at("spilled_bytes"), k.at("shared_bytes")};
    return object;
  } catch (const json::exception& error) {
    return broken(std::string("the file's header cannot be read: ") + error.what());
  }
}

}  // namespace burnish::cuda
