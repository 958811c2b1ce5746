#pragma once
#include <c10/util/Exception.h>

#include <new>

#include "base/error.h"
#include "runtime/frame.h"

namespace burnish {

/// Calls `f` and turns what ATen or the executor throws into an Error at `where()`.
template <class F, class Where>
Status catching(const F& f, const Where& where) {
  const auto first_line = [](std::string text) { return text.substr(0, text.find('\n')); };
  try {
    f();
    return {};
  } catch (const RunFailure& failure) {
    return fail(failure.what, where(), {}, failure.reason);
  } catch (const c10::OutOfMemoryError& error) {
    return fail(first_line(error.what_without_backtrace()), where(), {}, "memory");
  } catch (const std::bad_alloc&) {
    return fail("there is no memory for a step", where(), {}, "memory");
  } catch (const c10::Error& error) {
    const std::string text = first_line(error.what_without_backtrace());
    return fail(text, where(), {}, text.find("can't allocate memory") != std::string::npos ? "memory" : "crash");
  } catch (const std::exception& error) {
    return fail(first_line(error.what()), where(), {}, "crash");
  }
}

}  // namespace burnish
