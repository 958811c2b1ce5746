#include "base/cuda_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "targets/cuda/describe.h"

namespace burnish::cuda {
namespace {

TEST(CudaDriver, DescribesTheGpuOrSaysWhatIsMissing) {
  const auto device = describe();
  if (!device) {
    EXPECT_EQ(device.error().reason, "environment");
    EXPECT_FALSE(device.error().todo.empty());
    EXPECT_THAT(device.error().what, testing::HasSubstr("NVIDIA"));
    EXPECT_EQ(to_text(describe().error()), to_text(device.error())) << "the same sentence each time";
    return;
  }
  EXPECT_FALSE(device->name.empty());
  EXPECT_GE(device->capability_major, 7);
  EXPECT_GT(device->multiprocessors, 0);
  EXPECT_GT(device->memory_bytes, std::int64_t{1} << 30);
  EXPECT_GE(device->shared_bytes, 48 << 10);
  EXPECT_FALSE(describe(10'000)) << "there is no such GPU";
}

}  // namespace
}  // namespace burnish::cuda
