#include "base/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace burnish {
namespace {

constexpr int gzip_window = 15 + 16;  // the largest window, with gzip's header and check sum
constexpr std::size_t fewest_bytes = 256, sample_bytes = 64 << 10, piece_bytes = 256 << 10;

std::unexpected<Error> broken(const char* what) {
  return fail("a compressed file cannot be read", what ? what : "it is cut", "", "file");
}

/// zlib counts in 32 bits: large inputs go in piece by piece.
void feed(z_stream& stream, std::string_view bytes, std::size_t& at) {
  if (stream.avail_in > 0) return;
  const auto piece = std::min(bytes.size() - at, std::size_t{1} << 30);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + at));
  stream.avail_in = static_cast<uInt>(piece);
  at += piece;
}

/// Runs one direction to its end, and appends to `out`, at most a piece more than `most`.
template <typename Step>
int run(z_stream& stream, std::string_view bytes, std::string& out, std::uint64_t most, const Step& step) {
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  std::size_t at = 0;
  for (int state = Z_OK; state == Z_OK;) {
    feed(stream, bytes, at);
    stream.next_out = reinterpret_cast<Bytef*>(buffer.get());
    stream.avail_out = static_cast<uInt>(piece_bytes);
    state = step(at == bytes.size());
    out.append(buffer.get(), piece_bytes - stream.avail_out);
    if (out.size() > most) return Z_MEM_ERROR;
    if (state != Z_OK) return state;
  }
  return Z_OK;
}

}  // namespace

Result<std::string> gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return fail("cannot compress", "zlib", stream.msg ? stream.msg : "no memory", "environment");
  std::string out;
  const int state = run(stream, bytes, out, ~std::uint64_t{0},
                        [&](bool last) { return deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH); });
  deflateEnd(&stream);
  if (state != Z_STREAM_END) return fail("cannot compress", "zlib", "", "environment");
  return out;
}

Result<std::string> gunzip(std::string_view packed, std::uint64_t limit_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, gzip_window) != Z_OK) return broken(stream.msg);
  std::string out;
  const int state = run(stream, packed, out, limit_bytes, [&](bool) { return inflate(&stream, Z_NO_FLUSH); });
  const std::string said = stream.msg ? stream.msg : "";
  const bool rest = stream.avail_in > 0;
  inflateEnd(&stream);
  if (out.size() > limit_bytes) return broken("it holds more than it may");
  if (state != Z_STREAM_END || rest) return broken(said.empty() ? nullptr : said.c_str());
  return out;
}

bool worth_gzip(std::string_view bytes) {
  if (bytes.size() < fewest_bytes) return false;
  if (bytes.size() <= sample_bytes) return true;
  const auto sample = gzip(bytes.substr(bytes.size() / 2, sample_bytes));  // past a header of text
  return sample && sample->size() < std::min(sample_bytes, bytes.size() - bytes.size() / 2) * 8 / 10;
}

}  // namespace burnish
