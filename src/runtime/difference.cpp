#include "runtime/difference.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace burnish {
namespace {

constexpr std::int64_t lanes = 8;
constexpr std::int64_t piece = 4096;  // values of a row that is cut nowhere

struct Sums {
  double worst = 0, squares = 0, fourths = 0, odd = 0;  // odd: NaN once a difference is not finite
  std::int64_t count = 0;
};

/// Where the sums of a row go, for one way to cut: part = sum of (index in a dimension) * (its weight).
struct Cut {
  std::vector<std::array<std::int64_t, 3>> places;  // of each dimension kept: rows a step, size, weight
  bool columns = false;                             // the last dimension alone
  std::int64_t parts = 1;

  std::int64_t part(std::int64_t row) const {
    std::int64_t at = 0;
    for (const auto& [step, size, weight] : places) at += row / step % size * weight;
    return at;
  }
};

Cut cut_of(const std::vector<std::int64_t>& kept, at::IntArrayRef shape) {
  const auto last = static_cast<std::int64_t>(shape.size()) - 1;
  Cut cut;
  cut.columns = kept.size() == 1 && kept[0] == last;
  for (auto d = kept.rbegin(); d != kept.rend(); ++d) {
    if (*d < 0 || *d > last || (*d == last && !cut.columns))
      throw std::invalid_argument("a part keeps the last dimension alone or not at all");
    std::int64_t step = 1;
    for (std::int64_t below = *d + 1; below < last; ++below) step *= shape[below];
    cut.places.push_back({step, shape[*d], cut.parts});
    cut.parts *= shape[*d];
  }
  return cut;
}

/// Sums of each column, where they are wanted; counts only under a mask.
struct Columns {
  double *squares = nullptr, *fourths = nullptr, *counts = nullptr;
};

/// One row of `n` values: plain loops over lanes, which compilers vectorise as they stand.
template <typename A, typename B>
Sums sum_row(const A* a, const B* b, const bool* valid, std::int64_t n, const Columns& columns) {
  std::array<double, lanes> worst{}, sum{}, fourth{}, odd{};
  Sums total;
  const auto one = [&](std::int64_t i, std::int64_t lane) {
    double delta = b ? static_cast<double>(a[i]) - static_cast<double>(b[i]) : static_cast<double>(a[i]);
    if (valid && !valid[i]) delta = 0;
    const double size = std::fabs(delta), square = delta * delta;
    worst[lane] = worst[lane] > size ? worst[lane] : size;
    sum[lane] += square;
    fourth[lane] += square * square;
    odd[lane] += delta - delta;
    if (columns.squares) columns.squares[i] += square, columns.fourths[i] += square * square;
    if (columns.counts) columns.counts[i] += valid[i];
  };
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (std::int64_t lane = 0; lane < lanes; ++lane) one(i + lane, lane);
  for (; i < n; ++i) one(i, 0);
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    total.worst = std::max(total.worst, worst[lane]);
    total.squares += sum[lane], total.fourths += fourth[lane], total.odd += odd[lane];
  }
  total.count = valid ? std::count(valid, valid + n, true) : n;
  return total;
}

void add(Sums& to, const Sums& from) {
  to.worst = std::max(to.worst, from.worst);
  to.squares += from.squares, to.fourths += from.fourths, to.odd += from.odd, to.count += from.count;
}

struct Work {  // of one thread
  Sums sums;
  std::vector<std::vector<double>> squares, fourths, counts;
};

template <typename A, typename B>
void run(Work& work, const std::vector<Cut>& cuts, const A* a, const B* b, const bool* valid, std::int64_t from,
         std::int64_t to, std::int64_t n, std::int64_t numel) {
  Columns columns;
  for (std::size_t c = 0; c < cuts.size(); ++c) {
    work.squares.emplace_back(cuts[c].parts), work.fourths.emplace_back(cuts[c].parts);
    work.counts.emplace_back(valid ? cuts[c].parts : 0);
    if (cuts[c].columns)
      columns = {work.squares[c].data(), work.fourths[c].data(), valid ? work.counts[c].data() : nullptr};
  }
  for (std::int64_t row = from; row < to; ++row) {
    const std::int64_t at = row * n, length = std::min(n, numel - at);
    const Sums sums = sum_row(a + at, b ? b + at : b, valid ? valid + at : valid, length, columns);
    add(work.sums, sums);
    for (std::size_t c = 0; c < cuts.size(); ++c) {
      if (cuts[c].columns) continue;
      const std::int64_t part = cuts[c].part(row);
      work.squares[c][part] += sums.squares, work.fourths[c][part] += sums.fourths;
      if (valid) work.counts[c][part] += static_cast<double>(sums.count);
    }
  }
}

at::Tensor total(const std::vector<Work>& works, std::size_t cut, std::vector<std::vector<double>> Work::* which,
                 const std::vector<std::int64_t>& shape) {
  at::Tensor sums = at::zeros(shape, at::kDouble);
  auto* to = sums.mutable_data_ptr<double>();
  for (const Work& work : works) {
    const std::vector<double>& from = (work.*which)[cut];
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
  }
  return sums;
}

void check(const at::Tensor& a, const std::optional<at::Tensor>& b, const std::optional<at::Tensor>& valid) {
  const auto is_real = [](const at::Tensor& t) {
    return t.device().is_cpu() && (t.scalar_type() == at::kFloat || t.scalar_type() == at::kDouble);
  };
  if (!is_real(a) || (b && !is_real(*b))) throw std::invalid_argument("float32 or float64 in host memory is measured");
  if ((b && b->sizes() != a.sizes()) || (valid && valid->sizes() != a.sizes()))
    throw std::invalid_argument("tensors of one shape are measured");
  if (valid && valid->scalar_type() != at::kBool) throw std::invalid_argument("`valid` is of booleans");
}

/// Calls `with` with a typed pointer.
template <typename F>
void typed(const at::Tensor& t, F with) {
  if (t.scalar_type() == at::kFloat)
    with(t.const_data_ptr<float>());
  else
    with(t.const_data_ptr<double>());
}

}  // namespace

Difference difference(const at::Tensor& a, const std::optional<at::Tensor>& b, const std::optional<at::Tensor>& valid,
                      const std::vector<std::vector<std::int64_t>>& cuts) {
  check(a, b, valid);
  const at::Tensor values = a.contiguous(), other = b ? b->contiguous() : at::Tensor();
  const at::Tensor mask = valid ? valid->contiguous() : at::Tensor();
  const std::int64_t numel = values.numel();
  const std::int64_t n = cuts.empty() ? piece : std::max<std::int64_t>(1, values.size(-1));
  const std::int64_t rows = (numel + n - 1) / n;
  std::vector<Cut> ways;
  for (const auto& kept : cuts) ways.push_back(cut_of(kept, values.sizes()));

  const std::int64_t threads = std::clamp<std::int64_t>(numel / (1 << 15), 1, at::get_num_threads());
  std::vector<Work> works(threads);
  const bool* marks = valid ? mask.const_data_ptr<bool>() : nullptr;
  at::parallel_for(0, threads, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t from = rows * t / threads, to = rows * (t + 1) / threads;
      typed(values, [&](const auto* x) {
        if (!b) return run(works[t], ways, x, static_cast<const float*>(nullptr), marks, from, to, n, numel);
        typed(other, [&](const auto* y) { run(works[t], ways, x, y, marks, from, to, n, numel); });
      });
    }
  });

  Sums sums;
  for (const Work& work : works) add(sums, work.sums);
  Difference found{sums.odd == 0, sums.count, sums.worst, sums.squares, sums.fourths, {}};
  for (std::size_t c = 0; c < ways.size(); ++c) {
    std::vector<std::int64_t> shape;
    for (const std::int64_t d : cuts[c]) shape.push_back(values.size(d));
    found.parts.push_back({total(works, c, &Work::squares, shape), total(works, c, &Work::fourths, shape),
                           valid ? total(works, c, &Work::counts, shape) : at::Tensor()});
  }
  return found;
}

}  // namespace burnish
