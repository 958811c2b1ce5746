// The plan parser under libFuzzer, for longer hunts than the test suite's. Not part of the build:
//   clang++ -std=c++23 -stdlib=libc++ -g -O1 -fsanitize=fuzzer,address,undefined -Isrc -Itests
//   tests/plan/libfuzzer_plan.cpp \
//     src/plan/*.cpp src/base/files.cpp -lfmt -o /tmp/fuzz_plan && /tmp/fuzz_plan -max_total_time=600
#include <cstdint>
#include <cstdlib>

#include "plan/fuzz_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (burnish::broken_property({reinterpret_cast<const char*>(data), size})) std::abort();
  return 0;
}
