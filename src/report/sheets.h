#pragma once
#include <vector>

#include "report/sheet.h"
#include "report/study.h"

namespace burnish {

/// The tables of an experiment. Speedups are over eager, 1 where nothing is faster beyond doubt; an agent's is that of
/// its best candidate, by the final judgement where it got there, else by the search's. Intervals are 95% percentile
/// bootstrap over problems (several runs of a problem are averaged first); trivial problems are left out of averages of
/// speed. One function a table, in the order of the report.
std::vector<Sheet> sheets_of(const Study& study);

namespace sheets {
Sheet success(const Study& study);        ///< by attempt number: how many are solved by then
Sheet outcomes(const Study& study);       ///< correct and faster, correct but slower, incorrect
Sheet speedups(const Study& study);       ///< geometric means
Sheet best_models(const Study& study);    ///< whose candidate was delivered, the original and built-ins included
Sheet swarm(const Study& study);          ///< all together against the best single model
Sheet best_contexts(const Study& study);  ///< of the language models alone
Sheet distribution(const Study& study);
Sheet fast_p(const Study& study);
Sheet marginal(const Study& study);  ///< what the swarm loses without a model or a context
Sheet costs(const Study& study);
Sheet strategies(const Study& study);
Sheet named(const Study& study);  ///< trivial, saturated, excluded and unfinished problems
}  // namespace sheets

}  // namespace burnish
