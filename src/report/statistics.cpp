#include "report/statistics.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace burnish {

std::optional<double> geometric_mean(std::span<const double> values) {
  if (values.empty()) return {};
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

double quantile(std::span<const double> sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::optional<std::pair<double, double>> bootstrap(std::span<const double> values,
                                                   const std::function<double(std::span<const double>)>& statistic,
                                                   double confidence, int resamples, std::uint64_t seed) {
  if (values.size() < 2) return {};
  std::mt19937_64 generator(seed);
  std::uniform_int_distribution<std::size_t> pick(0, values.size() - 1);
  std::vector<double> drawn(values.size()), results;
  results.reserve(static_cast<std::size_t>(resamples));
  for (int i = 0; i < resamples; ++i) {
    for (auto& value : drawn) value = values[pick(generator)];
    results.push_back(statistic(drawn));
  }
  std::sort(results.begin(), results.end());
  const double tail = (1 - confidence) / 2;
  return std::pair(quantile(results, tail), quantile(results, 1 - tail));
}

}  // namespace burnish
