#include "plan/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "base/files.h"
#include "plan/limits.h"
#include "plan/names.h"
#include "plan/read_json.h"

namespace burnish {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian, and so are our targets");

constexpr std::size_t prefix_bytes = 8;
constexpr std::uint64_t max_header_bytes = limits::file_bytes;

struct Code {
  DType dtype;
  std::string_view text;
};
constexpr std::array<Code, 12> codes = {{{DType::float16, "F16"},
                                         {DType::bfloat16, "BF16"},
                                         {DType::float32, "F32"},
                                         {DType::float64, "F64"},
                                         {DType::uint8, "U8"},
                                         {DType::int8, "I8"},
                                         {DType::int16, "I16"},
                                         {DType::int32, "I32"},
                                         {DType::int64, "I64"},
                                         {DType::bool_, "BOOL"},
                                         {DType::complex64, "C64"},
                                         {DType::complex128, "C128"}}};

static_assert([] {
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (codes[i].dtype != static_cast<DType>(i)) return false;
  return true;
}());

/// The bytes that a tensor of that shape has; none where a size is negative or the count overflows.
std::optional<std::uint64_t> byte_count(DType dtype, const std::vector<std::int64_t>& shape) {
  std::uint64_t bytes = static_cast<std::uint64_t>(dtype_bytes(dtype));
  for (const std::int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes)) return std::nullopt;
  return bytes;
}

/// A non-negative integer that fits in 63 bits.
std::optional<std::uint64_t> natural(const json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<std::uint64_t>();
  if (number >> 63) return std::nullopt;
  return number;
}

std::unexpected<Error> malformed(std::string what) {
  return fail(std::move(what), {}, "the file is damaged or no safetensors file: make it again");
}

struct Entry {
  std::string name;
  StoredTensor tensor;
  std::uint64_t begin, end;
};

Result<Entry> read_entry(const std::string& name, const json& value) {
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") || !value.contains("data_offsets"))
    return malformed("a tensor has no dtype, shape and data_offsets");
  const auto code = std::ranges::find_if(codes, [&](const Code& row) { return value["dtype"] == row.text; });
  if (code == codes.end())
    return fail("the dtype is none that plans know", {},
                "store it as one of F16, BF16, F32, F64, U8, I8, I16, I32, I64, BOOL, C64, C128");
  Entry entry{name, {code->dtype, {}, {}}, 0, 0};
  const json& shape = value["shape"];
  const json& offsets = value["data_offsets"];
  if (!shape.is_array() || shape.size() > limits::dimensions || !offsets.is_array() || offsets.size() != 2)
    return malformed("shape or data_offsets are no lists of the right length");
  for (const json& item : shape) {
    const auto size = natural(item);
    if (!size) return malformed("a size is no natural number");
    entry.tensor.shape.push_back(static_cast<std::int64_t>(*size));
  }
  const auto begin = natural(offsets[0]), end = natural(offsets[1]);
  const auto bytes = byte_count(entry.tensor.dtype, entry.tensor.shape);
  if (!begin || !end || *begin > *end || !bytes || *end - *begin != *bytes)
    return malformed("data_offsets and shape disagree");
  entry.begin = *begin, entry.end = *end;
  return entry;
}

Result<std::vector<Entry>> read_header(std::string_view text) {
  TRY(header, read_json(text));
  if (!header.is_object()) return malformed("the header is no object");
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    auto entry = read_entry(name, value);
    if (!entry) return inside(shorten(name), std::move(entry.error()));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

/// Tensors cover the data from its first byte to its last, each byte once.
Status check_cover(const std::vector<Entry>& entries, std::uint64_t data_bytes) {
  std::vector<const Entry*> order;
  for (const Entry& entry : entries) order.push_back(&entry);
  std::ranges::sort(order, {}, [](const Entry* entry) { return std::pair(entry->begin, entry->end); });
  std::uint64_t at = 0;
  for (const Entry* entry : order) {
    if (entry->begin != at)
      return inside(shorten(entry->name),
                    malformed(entry->begin < at ? "two tensors overlap" : "there is a hole before the tensor").error());
    at = entry->end;
  }
  if (at != data_bytes) return malformed(fmt::format("the tensors have {} bytes, the file has {}", at, data_bytes));
  return {};
}

}  // namespace

Result<Safetensors> Safetensors::parse(std::string bytes) {
  if (bytes.size() < prefix_bytes) return malformed("the file is shorter than 8 bytes");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), prefix_bytes);
  if (header_bytes > max_header_bytes || header_bytes > bytes.size() - prefix_bytes)
    return malformed(fmt::format("the header of {} bytes does not fit", header_bytes));
  Safetensors file;
  file.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view whole = *file.bytes_;
  TRY(entries, read_header(whole.substr(prefix_bytes, header_bytes)));
  const std::string_view data = whole.substr(prefix_bytes + header_bytes);
  if (auto ok = check_cover(entries, data.size()); !ok) return std::unexpected(std::move(ok.error()));
  for (Entry& entry : entries) {
    entry.tensor.bytes = data.substr(entry.begin, entry.end - entry.begin);
    file.tensors_.emplace_back(std::move(entry.name), std::move(entry.tensor));
  }
  return file;
}

Result<Safetensors> Safetensors::load(const std::filesystem::path& file) {
  TRY(bytes, read_file(file));
  auto parsed = parse(std::move(bytes));
  if (!parsed) return inside(file.string(), std::move(parsed.error()));
  return parsed;
}

const StoredTensor* Safetensors::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, [](const auto& pair) -> std::string_view { return pair.first; });
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<std::string> to_safetensors(const std::vector<std::pair<std::string, StoredTensor>>& tensors) {
  std::vector<const std::pair<std::string, StoredTensor>*> order;
  std::unordered_set<std::string> names;
  for (const auto& pair : tensors) {
    if (pair.first == "__metadata__" || !names.insert(pair.first).second)
      return fail("the name is reserved or stands twice", shorten(pair.first), "choose another name");
    if (byte_count(pair.second.dtype, pair.second.shape) != pair.second.bytes.size())
      return fail("the tensor's bytes and its shape disagree", shorten(pair.first));
    order.push_back(&pair);
  }
  std::ranges::stable_sort(order, std::greater{}, [](const auto* pair) { return dtype_bytes(pair->second.dtype); });
  json header = json::object();
  std::uint64_t at = 0;
  for (const auto* pair : order) {
    const auto& [name, tensor] = *pair;
    const std::uint64_t end = at + tensor.bytes.size();
    header[name] = {{"dtype", std::string(codes[static_cast<std::size_t>(tensor.dtype)].text)},
                    {"shape", tensor.shape},
                    {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_bytes = text.size();
  std::string out(reinterpret_cast<const char*>(&header_bytes), prefix_bytes);
  out.reserve(prefix_bytes + text.size() + at);
  out += text;
  for (const auto* pair : order) out += pair->second.bytes;
  return out;
}

}  // namespace burnish
