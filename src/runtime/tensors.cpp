#include "runtime/tensors.h"

#include <ATen/EmptyTensor.h>

#include <fstream>

#include "base/json.h"
#include "plan/names.h"
#include "runtime/failure.h"
#include "runtime/literals.h"

namespace burnish {
namespace {

constexpr std::uint64_t most_header_bytes = 100u << 20;

struct Reader {
  std::ifstream file;
  std::uint64_t data_begin = 0, data_bytes = 0;

  Status read_one(const std::string& name, const json& entry, std::map<std::string, at::Tensor>& out) {
    static const std::map<std::string, at::ScalarType> types = {
        {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},         {"BF16", at::kBFloat16},
        {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort},        {"I8", at::kChar},
        {"U8", at::kByte},    {"BOOL", at::kBool}, {"C64", at::kComplexFloat}, {"C128", at::kComplexDouble}};
    const auto type = types.find(entry.at("dtype").get<std::string>());
    if (type == types.end()) return fail("the tensor has an unknown dtype", name);
    const auto sizes = entry.at("shape").get<std::vector<std::int64_t>>();
    const auto range = entry.at("data_offsets").get<std::vector<std::uint64_t>>();
    std::uint64_t bytes = c10::elementSize(type->second);
    for (const auto size : sizes)
      if (size < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes))
        return fail("the tensor's sizes are impossible", name);
    if (range.size() != 2 || range[0] > range[1] || range[1] > data_bytes || range[1] - range[0] != bytes)
      return fail("the tensor's bytes do not fit its sizes", name);
    at::Tensor tensor = at::detail::empty_cpu(sizes, type->second, false, at::MemoryFormat::Contiguous);
    file.seekg(static_cast<std::streamoff>(data_begin + range[0]));
    file.read(static_cast<char*>(tensor.mutable_data_ptr()), static_cast<std::streamsize>(bytes));
    if (!file) return fail("the file ends early", name);
    out[name] = std::move(tensor);
    return {};
  }

  Status read_all(const std::filesystem::path& path, std::map<std::string, at::Tensor>& out) {
    file.open(path, std::ios::binary);
    if (!file) return fail("the file cannot be read");
    const auto total = static_cast<std::uint64_t>(std::filesystem::file_size(path));
    std::uint64_t header_bytes = 0;
    file.read(reinterpret_cast<char*>(&header_bytes), sizeof header_bytes);
    if (!file || header_bytes > most_header_bytes || header_bytes + 8 > total)
      return fail("this is no safetensors file");
    std::string header(header_bytes, '\0');
    file.read(header.data(), static_cast<std::streamsize>(header_bytes));
    data_begin = 8 + header_bytes;
    data_bytes = total - data_begin;
    const json entries = json::parse(header);
    for (const auto& [name, entry] : entries.items()) {
      if (name == "__metadata__") continue;
      if (auto ok = read_one(name, entry, out); !ok) return ok;
    }
    return {};
  }
};

}  // namespace

Result<std::map<std::string, at::Tensor>> load_tensors(const std::filesystem::path& path) {
  std::map<std::string, at::Tensor> out;
  Status read;
  const auto done = catching([&] { read = Reader{}.read_all(path, out); }, [] { return std::string("header"); });
  for (const Status* status : {&done, static_cast<const Status*>(&read)}) {
    if (*status) continue;
    Error error = status->error();
    error.todo = "export the module again";
    error.reason = "plan";
    return inside(path.string(), error);
  }
  return out;
}

}  // namespace burnish
