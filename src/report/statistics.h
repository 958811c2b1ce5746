#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace burnish {

/// Geometric mean; nothing for an empty list. Values must be positive.
std::optional<double> geometric_mean(std::span<const double> values);

/// Median (mean of the middle two for an even count); nothing for an empty list.
std::optional<double> median(std::vector<double> values);

/// The q-quantile, 0 <= q <= 1, with linear interpolation between order statistics (type 7 of Hyndman and Fan, as
/// NumPy).
double quantile(std::span<const double> sorted, double q);

/// Percentile bootstrap interval of a statistic over resampled values; the generator is seeded, so a report prints the
/// same figures each time. Nothing for fewer than two values.
std::optional<std::pair<double, double>> bootstrap(std::span<const double> values,
                                                   const std::function<double(std::span<const double>)>& statistic,
                                                   double confidence = 0.95, int resamples = 2000,
                                                   std::uint64_t seed = 1);

/// The same for the mean, which reports need by the hundred: quick, and seeded likewise.
std::optional<std::pair<double, double>> bootstrap_mean(std::span<const double> values, double confidence = 0.95,
                                                        int resamples = 2000, std::uint64_t seed = 1);

}  // namespace burnish
