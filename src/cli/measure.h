#pragma once
#include <string>

#include "store/store.h"

namespace burnish {

/// What a machine can do at most, measured (python/burnish/roofline.py): the roof over every step of a plan.
struct Roofline {
  double bytes_per_second = 0;  ///< that a copy of 128 MiB moves, read and written
  double flops_per_second = 0;  ///< fp32: of registers on a CPU, of the library's product on a GPU
  int threads = 0;
  double measured = 0;  ///< when, in seconds since 1970

  json to_json() const;
};

/// Measures the device of that target in a few seconds and keeps it in the store. Nothing else should run meanwhile.
Result<Roofline> measure_roofline(Store& store, const std::string& target, bool sandbox);

/// The newest that the store keeps of this machine's device; nothing where it was never measured.
Result<std::optional<Roofline>> kept_roofline(Store& store, const std::string& target);

/// "33.1 GB/s of copies and 260 GFLOP/s in fp32 on 2 threads".
std::string describe(const Roofline& roofline);

}  // namespace burnish
