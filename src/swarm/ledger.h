#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agents/asker.h"
#include "store/store.h"

namespace burnish {

/// What a run may pay for its language models. Nothing: no limit.
struct Budget {
  std::optional<double> usd;
  std::optional<std::int64_t> tokens;  ///< read and written
};

/// Records every exchange of a run in the store, prompt and reply whole, and holds the budget: once it is spent no new
/// call is made. A call waits for those under way where together they might pass it, so that it is passed by one call
/// at most. What earlier parts of the run spent counts. Used by many threads.
class Ledger {
 public:
  static Result<std::unique_ptr<Ledger>> open(Store& store, const std::string& run, const Budget& budget);
  ~Ledger();

  /// Asks through `inner` for that agent, for a problem of the run. The ledger has to outlive it.
  std::unique_ptr<Asker> asker(std::int64_t problem, const std::string& agent, std::unique_ptr<Asker> inner);

  struct State;

 private:
  explicit Ledger(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The record of an exchange, its texts put into the store: for answers that come by another way, too.
Result<CallRecord> call_record(const Store& store, const Model& model, const Prompt& prompt,
                               const Result<Reply>& reply);

}  // namespace burnish
