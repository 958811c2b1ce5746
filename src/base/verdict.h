#pragma once
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace burnish {

/// A win starts here: lower bound of the 99% interval of the speedup (docs/judging.md).
inline constexpr double win_threshold = 1.02;

/// What the judge said of one candidate. `body` is the judge's reply as `burnish eval --json` prints it (null where not
/// measured, raw samples taken out into `samples`); the other members are the parts of it that the swarm decides by.
struct Verdict {
  enum class Kind { accepted, refused, error } kind = Kind::error;
  std::string reason;
  std::optional<double> speedup;
  std::optional<std::pair<double, double>> interval;
  json body, samples;

  bool accepted() const { return kind == Kind::accepted; }
  /// Correct, and faster than the original beyond doubt.
  bool wins() const { return accepted() && interval && interval->first > win_threshold; }
  /// How many times as fast as the original an estimate holds it to be, where nothing is measured.
  std::optional<double> estimated_speedup() const;
  /// By what to rank right candidates: the measured speedup, else the estimated one, else 0.
  double rank() const { return speedup ? *speedup : estimated_speedup().value_or(0); }
};

/// Reads a judge's VERDICT (docs/architecture.md); every key that it lacks is null in `body`.
Result<Verdict> parse_verdict(json reply);

/// A verdict for what the judge never saw: a kernel that did not compile, a plan that is none, a judge that died.
Verdict make_verdict(Verdict::Kind kind, const Error& error);

/// "accepted", "refused" or "error".
std::string to_text(Verdict::Kind kind);

}  // namespace burnish
