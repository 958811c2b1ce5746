#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace burnish {

struct Rgb {
  std::uint8_t red = 0, green = 0, blue = 0;
};

/// A picture of pixels to draw rectangles and small text on.
class Canvas {
 public:
  Canvas(int width, int height, Rgb background = {255, 255, 255});
  int width() const { return width_; }
  int height() const { return height_; }
  /// Cut off at the edges; at least one pixel wide and high.
  void fill(double x, double y, double width, double height, Rgb colour);
  /// Letters of 7 pixels times `scale`; what is no ASCII is drawn as "?".
  void text(double x, double y, std::string_view text, Rgb colour = {}, int scale = 2);
  static int text_width(std::string_view text, int scale = 2);
  std::string png() const;

 private:
  int width_, height_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace burnish
