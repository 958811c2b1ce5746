#pragma once
#include <cstdint>
#include <set>
#include <string>

#include "base/json.h"

namespace burnish::cpu {

/// This machine's processor, as far as schedules, cache keys and manifests need it.
struct Device {
  std::string name;             ///< "AMD EPYC ..."
  std::set<std::string> flags;  ///< as in /proc/cpuinfo: avx2, fma, avx512f ...
  int cores = 1;                ///< this process may use
  std::int64_t l1_bytes = 0, l2_bytes = 0,
               l3_bytes = 0;  ///< one core's data cache, its second level, the last level; 0 unknown
  int vector_bytes = 16;      ///< 64 with AVX-512F, 32 with AVX2

  json to_json() const;
};

Device describe();

}  // namespace burnish::cpu
