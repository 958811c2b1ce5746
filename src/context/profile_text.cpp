#include "context/profile_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "context/profile.h"

namespace burnish {
namespace {

constexpr double least_share = 0.005;

std::string row_of(const ProfiledStep& step, double whole, double roof) {
  const double rate = step.seconds > 0 ? step.bytes / step.seconds : 0;
  return fmt::format("{:5.1f}%  {:>10.1f}  {:>9.2f}  {:>7.1f}  {:>6}  {}{}\n", 100 * step.seconds / whole,
                     1e6 * step.seconds, step.bytes / 1e6, rate / 1e9,
                     roof > 0 ? fmt::format("{:.0f}%", 100 * rate / roof) : "-", step.name,
                     step.calls > 1 ? fmt::format(" ({} times)", step.calls) : "");
}

}  // namespace

std::string profile_text(const json& profile) {
  const Profile p = read_profile(profile);
  if (p.steps.empty() || p.seconds <= 0) return "(no step was measured)\n";
  double sum = 0, rest = 0;
  std::size_t small = 0;
  for (const auto& step : p.steps) sum += step.seconds;
  const double whole = std::max(sum, p.seconds);
  std::string text = "  time          us         MB     GB/s   of copy  step, in order\n";
  for (const auto& step : p.steps) {
    if (step.seconds < least_share * whole) {
      rest += step.seconds;
      ++small;
      continue;
    }
    text += row_of(step, whole, p.bytes_per_second);
  }
  if (small > 0) text += fmt::format("{:5.1f}%  {:>10.1f}  in {} small steps\n", 100 * rest / whole, 1e6 * rest, small);
  if (!p.estimated_for.empty())
    return text + fmt::format(
                      "All times are estimates for an {}, from the bytes, threads and barriers that an emulator "
                      "counted: {:.1f} us a call; the module's own plan {:.1f} us. Its memory moves {:.1f} GB/s.\n",
                      p.estimated_for, 1e6 * p.seconds, 1e6 * p.eager_seconds, p.bytes_per_second / 1e9);
  text += fmt::format("A call takes {:.1f} us, its steps {:.1f} us", 1e6 * p.seconds, 1e6 * sum);
  if (p.eager_seconds > 0) text += fmt::format("; the module takes {:.1f} us", 1e6 * p.eager_seconds);
  if (p.bytes_per_second > 0)
    text += fmt::format(". A plain copy moves {:.1f} GB/s here; more than that comes from caches",
                        p.bytes_per_second / 1e9);
  return text + ".\n";
}

}  // namespace burnish
