#include "context/canvas.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

// stb's headers are not written for our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb/stb_easy_font.h>
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace burnish {
namespace {

/// stb_easy_font takes no const text and knows ASCII only.
std::string plain(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c < 32 || c > 126) c = '?';
  return out;
}

/// A corner of a letter's rectangle, as stb_easy_font writes it.
struct Vertex {
  float x, y, z;
  unsigned char colour[4];
};

}  // namespace

Canvas::Canvas(int width, int height, Rgb background) : width_(width), height_(height) {
  pixels_.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  fill(0, 0, width, height, background);
}

void Canvas::fill(double x, double y, double width, double height, Rgb colour) {
  const auto whole = [](double v) { return static_cast<int>(std::lround(std::clamp(v, -1e6, 1e6))); };
  const int left = whole(x), top = whole(y);
  const int right = std::min(std::max(left + 1, whole(x + width)), width_);
  const int bottom = std::min(std::max(top + 1, whole(y + height)), height_);
  for (int row = std::max(top, 0); row < bottom; ++row)
    for (int column = std::max(left, 0); column < right; ++column) {
      auto* pixel = &pixels_[3 * (static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) +
                                  static_cast<std::size_t>(column))];
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
}

void Canvas::text(double x, double y, std::string_view text, Rgb colour, int scale) {
  auto letters = plain(text.substr(0, 400));
  std::vector<char> buffer(letters.size() * 600 + 64);  // about 270 bytes a letter on average
  const int quads = stb_easy_font_print(0, 0, letters.data(), nullptr, buffer.data(), static_cast<int>(buffer.size()));
  for (int q = 0; q < quads; ++q) {
    std::array<Vertex, 4> corners{};
    std::memcpy(corners.data(), buffer.data() + static_cast<std::size_t>(q) * sizeof corners, sizeof corners);
    fill(x + corners[0].x * scale, y + corners[0].y * scale, (corners[2].x - corners[0].x) * scale,
         (corners[2].y - corners[0].y) * scale, colour);
  }
}

int Canvas::text_width(std::string_view text, int scale) {
  auto letters = plain(text);
  return stb_easy_font_width(letters.data()) * scale;
}

std::string Canvas::png() const {
  std::string bytes;
  stbi_write_png_to_func(
      [](void* to, void* data, int size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
      },
      &bytes, width_, height_, 3, pixels_.data(), width_ * 3);
  return bytes;
}

}  // namespace burnish
