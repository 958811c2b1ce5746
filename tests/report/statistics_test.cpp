#include "report/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include <numeric>

namespace burnish {
namespace {

TEST(Statistics, GeometricMeanOfKnownValues) {
  EXPECT_DOUBLE_EQ(*geometric_mean(std::vector{2.0, 8.0}), 4.0);
  EXPECT_NEAR(*geometric_mean(std::vector{1.0, 1.5, 3.0}), 1.6509636244, 1e-9);
  EXPECT_FALSE(geometric_mean(std::vector<double>{}));
}

TEST(Statistics, MedianOfOddAndEvenCounts) {
  EXPECT_DOUBLE_EQ(*median({5, 1, 3}), 3);
  EXPECT_DOUBLE_EQ(*median({4, 1, 3, 2}), 2.5);
  EXPECT_DOUBLE_EQ(*median({7}), 7);
  EXPECT_FALSE(median({}));
}

TEST(Statistics, QuantileInterpolatesAsNumPyDoes) {
  const std::vector<double> values{1, 2, 4, 8};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 8);
  EXPECT_DOUBLE_EQ(quantile(values, 0.25), 1.75);  // numpy.quantile([1, 2, 4, 8], 0.25)
  EXPECT_DOUBLE_EQ(quantile(values, 0.9), 6.8);    // numpy.quantile([1, 2, 4, 8], 0.9)
}

TEST(Statistics, BootstrapOfAMeanAgreesWithTheNormalApproximation) {
  std::vector<double> values(400);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 20);  // variance 33.25
  const auto mean = [](std::span<const double> v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
  };
  const auto interval = bootstrap(values, mean, 0.95);
  ASSERT_TRUE(interval);
  const double half = 1.96 * std::sqrt(33.25 / 400);
  EXPECT_NEAR(interval->first, 9.5 - half, 0.1);
  EXPECT_NEAR(interval->second, 9.5 + half, 0.1);
  EXPECT_EQ(*interval, *bootstrap(values, mean, 0.95)) << "the same figures each time";
}

TEST(Statistics, BootstrapNeedsTwoValues) {
  EXPECT_FALSE(bootstrap(std::vector{1.0}, [](std::span<const double> v) { return v[0]; }));
}

TEST(Statistics, TheMeansOwnBootstrapAgreesWithTheGeneralOne) {
  std::vector<double> values;
  for (int i = 0; i < 60; ++i) values.push_back((i * 37) % 60 / 10.0);
  const auto mean = [](std::span<const double> v) {
    double sum = 0;
    for (const double x : v) sum += x;
    return sum / static_cast<double>(v.size());
  };
  const auto general = *bootstrap(values, mean), quick = *bootstrap_mean(values);
  EXPECT_NEAR(quick.first, general.first, 0.05);
  EXPECT_NEAR(quick.second, general.second, 0.05);
  EXPECT_EQ(quick, *bootstrap_mean(values)) << "seeded";
  EXPECT_FALSE(bootstrap_mean(std::vector<double>{1.0}));
}

}  // namespace
}  // namespace burnish
