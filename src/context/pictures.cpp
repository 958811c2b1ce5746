#include "context/pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "context/canvas.h"
#include "context/profile.h"

namespace burnish {
namespace {

constexpr int width = 1000, margin = 20, row_height = 26;
constexpr std::size_t most_bars = 24;
constexpr Rgb grey{200, 200, 200}, red{200, 40, 40}, black{};
constexpr std::array<Rgb, 6> colours = {
    {{78, 121, 167}, {242, 142, 43}, {89, 161, 79}, {176, 122, 161}, {156, 117, 95}, {118, 183, 178}}};

Rgb colour_of(std::size_t step) {
  return colours[step % colours.size()];
}

/// Steps one after another, then what lies between them in a call; the wide ones named below in the same colour.
std::string timeline(const Profile& p) {
  double sum = 0;
  for (const auto& step : p.steps) sum += step.seconds;
  const double whole = std::max(sum, p.seconds);
  std::vector<std::size_t> named;
  for (std::size_t i = 0; i < p.steps.size(); ++i)
    if (p.steps[i].seconds >= 0.02 * whole) named.push_back(i);
  if (named.size() > most_bars) named.resize(most_bars);
  Canvas canvas(width, 120 + row_height * static_cast<int>(named.size() + 1));
  canvas.text(margin, margin,
              fmt::format("A call: {:.1f} us; its steps in order: {:.1f} us", 1e6 * p.seconds, 1e6 * sum));
  const double scale = (width - 2 * margin) / whole;
  double x = margin;
  for (std::size_t i = 0; i < p.steps.size(); ++i) {
    canvas.fill(x, 50, p.steps[i].seconds * scale, 50, colour_of(i));
    x += p.steps[i].seconds * scale;
  }
  if (whole > sum) canvas.fill(x, 50, (whole - sum) * scale, 50, grey);
  int y = 115;
  const auto line = [&](Rgb colour, const std::string& text) {
    canvas.fill(margin, y, 18, 18, colour);
    canvas.text(margin + 28, y + 2, text);
    y += row_height;
  };
  for (const auto i : named)
    line(colour_of(i), fmt::format("{:5.1f}%  {:9.1f} us  {}", 100 * p.steps[i].seconds / whole,
                                   1e6 * p.steps[i].seconds, p.steps[i].name));
  line(grey, fmt::format("{:5.1f}%  {:9.1f} us  between steps", 100 * (whole - sum) / whole, 1e6 * (whole - sum)));
  return canvas.png();
}

/// Bars of the costliest steps, in their order; `mark`: a line across at that value, 0 for none.
std::string bars(const Profile& p, const std::string& title, const std::string& unit, double mark,
                 const std::function<double(const ProfiledStep&)>& value) {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < p.steps.size(); ++i)  // views take no time: their bandwidth would dwarf all others
    if (p.steps[i].seconds >= 0.01 * p.seconds) shown.push_back(i);
  std::ranges::stable_sort(shown, std::greater{}, [&](std::size_t i) { return p.steps[i].seconds; });
  if (shown.size() > most_bars) shown.resize(most_bars);
  std::ranges::sort(shown);
  double most = mark;
  for (const auto i : shown) most = std::max(most, value(p.steps[i]));
  if (most <= 0) return {};
  const int name_width = 420;
  const double scale = (width - name_width - 2 * margin - 110) / most;
  Canvas canvas(width, 70 + row_height * static_cast<int>(shown.size()));
  canvas.text(margin, margin, title);
  int y = 55;
  for (const auto i : shown) {
    canvas.text(margin, y + 4, p.steps[i].name.substr(0, 34));
    const double length = value(p.steps[i]) * scale;
    canvas.fill(name_width, y, length, row_height - 6, colour_of(i));
    canvas.text(name_width + length + 8, y + 4, fmt::format("{:.2f} {}", value(p.steps[i]), unit));
    y += row_height;
  }
  if (mark > 0) canvas.fill(name_width + mark * scale, 48, 2, y - 48, red);
  return canvas.png();
}

}  // namespace

std::vector<std::string> draw_profile(const json& profile) {
  const Profile p = read_profile(profile);
  if (p.steps.empty() || p.seconds <= 0) return {};
  std::vector<std::string> pictures = {timeline(p)};
  const auto rate = [](const ProfiledStep& s) { return s.seconds > 0 ? s.bytes / s.seconds / 1e9 : 0.0; };
  pictures.push_back(
      bars(p, "Bandwidth of the costliest steps; red: a plain copy's", "GB/s", p.bytes_per_second / 1e9, rate));
  pictures.push_back(
      bars(p, "Memory traffic of the costliest steps", "MB", 0, [](const ProfiledStep& s) { return s.bytes / 1e6; }));
  std::erase_if(pictures, [](const std::string& picture) { return picture.empty(); });
  return pictures;
}

}  // namespace burnish
