#pragma once
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "base/json.h"
#include "report/statistics.h"

namespace burnish {

/// Values that belong to problems. What a problem has several of (contexts, runs) is averaged first, so that intervals
/// come from problems and not from repetitions of one.
class ByProblem {
 public:
  void add(const std::string& problem, double value) {
    auto& [sum, count] = sums_[problem];
    sum += value;
    ++count;
  }
  std::size_t problems() const { return sums_.size(); }
  std::vector<double> means() const {
    std::vector<double> all;
    for (const auto& [problem, sum] : sums_) all.push_back(sum.first / sum.second);
    return all;
  }
  /// The mean with its interval as a cell of a sheet; null where there is nothing.
  json mean() const {
    return cell([](double x) { return x; });
  }
  /// The same of logarithms that were added, as a geometric mean.
  json geometric() const {
    return cell([](double x) { return std::exp(x); });
  }

 private:
  template <class Map>
  json cell(Map map) const {
    const auto values = means();
    if (values.empty()) return nullptr;
    const auto interval = bootstrap_mean(values);
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    return {{"value", map(mean)},
            {"low", interval ? json(map(interval->first)) : json(nullptr)},
            {"high", interval ? json(map(interval->second)) : json(nullptr)}};
  }

  std::map<std::string, std::pair<double, int>> sums_;
};

}  // namespace burnish
