#include "targets/cpu/describe.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace burnish::cpu {

Device describe() {
  Device device;
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line) && !line.empty();) {
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const auto key = line.substr(0, line.find('\t'));
    const auto value = line.substr(colon + 2);
    if (key == "model name") device.name = value;
    if (key == "flags") {
      std::istringstream words(value);
      for (std::string word; words >> word;) device.flags.insert(word);
    }
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) device.cores = std::max(1, CPU_COUNT(&set));
  const auto size = [](int name) { return std::max<std::int64_t>(0, sysconf(name)); };
  device.l1_bytes = size(_SC_LEVEL1_DCACHE_SIZE);
  device.l2_bytes = size(_SC_LEVEL2_CACHE_SIZE);
  device.l3_bytes = size(_SC_LEVEL3_CACHE_SIZE);
  if (device.flags.contains("avx2")) device.vector_bytes = 32;
  if (device.flags.contains("avx512f")) device.vector_bytes = 64;
  return device;
}

json Device::to_json() const {
  return {{"name", name},         {"cores", cores},       {"vector_bytes", vector_bytes},
          {"l1_bytes", l1_bytes}, {"l2_bytes", l2_bytes}, {"l3_bytes", l3_bytes},
          {"flags", flags}};
}

}  // namespace burnish::cpu
