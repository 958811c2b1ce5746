#include "store/tar.h"

#include <array>
#include <cstdio>
#include <cstring>

namespace burnish {
namespace fs = std::filesystem;
namespace {

/// One block of the format (POSIX.1-1988, "ustar").
struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2],
      user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};
static_assert(sizeof(Header) == 512);

unsigned checksum(Header header) {
  std::memset(header.checksum, ' ', sizeof header.checksum);
  unsigned sum = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  for (std::size_t i = 0; i < sizeof header; ++i) sum += bytes[i];
  return sum;
}

std::uint64_t octal(const char* digits, std::size_t length) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < length && digits[i] >= '0' && digits[i] <= '7'; ++i)
    value = value * 8 + static_cast<unsigned>(digits[i] - '0');
  return value;
}

}  // namespace

Result<TarWriter> TarWriter::create(const fs::path& file) {
  const auto temporary = file.string() + ".part";
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  if (!out) return fail("the file cannot be written", file.string(), std::strerror(errno));
  return TarWriter(file, std::move(out));
}

Status TarWriter::add(const std::string& name, std::string_view bytes) {
  if (name.size() >= sizeof(Header::name)) return fail("the name is too long for the archive", name);
  if (bytes.size() >= (std::uint64_t{1} << 33)) return fail("the file is too large for the archive", name);
  Header header{};
  std::memcpy(header.name, name.data(), name.size());
  std::snprintf(header.mode, sizeof header.mode, "%07o", 0644u);
  std::snprintf(header.uid, sizeof header.uid, "%07o", 0u);
  std::snprintf(header.gid, sizeof header.gid, "%07o", 0u);
  std::snprintf(header.size, sizeof header.size, "%011llo", static_cast<unsigned long long>(bytes.size()));
  std::snprintf(header.mtime, sizeof header.mtime, "%011o", 0u);
  header.type = '0';
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  std::snprintf(header.checksum, sizeof header.checksum, "%06o", checksum(header));
  out_.write(reinterpret_cast<const char*>(&header), sizeof header);
  out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  static constexpr std::array<char, 512> zeros{};
  if (const auto rest = bytes.size() % 512) out_.write(zeros.data(), static_cast<std::streamsize>(512 - rest));
  if (!out_) return fail("the archive cannot be written", file_.string(), "is the disk full?");
  return {};
}

Status TarWriter::finish() {
  static constexpr std::array<char, 1024> end{};
  out_.write(end.data(), end.size());
  out_.close();
  std::error_code ec;
  if (out_) fs::rename(file_.string() + ".part", file_, ec);
  if (!out_ || ec) return fail("the archive cannot be written", file_.string(), "is the disk full?");
  return {};
}

Status read_tar(const fs::path& file, const std::function<Status(const std::string& name, std::string bytes)>& each) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail("the archive cannot be read", file.string(), std::strerror(errno), "file");
  std::error_code ec;
  const auto total = fs::file_size(file, ec);
  for (;;) {
    Header header{};
    if (!in.read(reinterpret_cast<char*>(&header), sizeof header)) {
      return fail("the archive ends too early or is none", file.string(), "pack the run again", "file");
    }
    if (header.name[0] == '\0') return {};
    if (std::memcmp(header.magic, "ustar", 5) != 0 ||
        octal(header.checksum, sizeof header.checksum) != checksum(header)) {
      return fail("this is no packed run", file.string(), "name a file that `burnish pack` wrote", "file");
    }
    const auto size = octal(header.size, sizeof header.size);
    if (size > total) return fail("the archive ends too early", file.string(), "pack the run again", "file");
    std::string bytes(size, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(size));
    if (const auto rest = size % 512) in.ignore(static_cast<std::streamsize>(512 - rest));
    if (!in) return fail("the archive ends too early", file.string(), "pack the run again", "file");
    if (header.type != '0' && header.type != '\0') continue;
    if (auto ok = each(std::string(header.name, ::strnlen(header.name, sizeof header.name)), std::move(bytes)); !ok)
      return ok;
  }
}

}  // namespace burnish
