#include "runtime/pool.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "runtime/regions.h"

namespace burnish {
namespace {

at::Tensor megabytes(int count) {
  return at::empty({count, 1 << 18}, at::kFloat);
}

TEST(Pool, GivesMemoryBackToTheNextRun) {
  const auto pool = Pool::make();
  const void* first = nullptr;
  {
    const PoolScope scope(*pool);
    first = megabytes(4).data_ptr();
  }
  const PoolScope scope(*pool);
  EXPECT_EQ(megabytes(4).data_ptr(), first);
  EXPECT_TRUE(regions::owns(first));
}

TEST(Pool, SizesThatARunUsesOneAfterTheOtherAllWaitForTheNext) {
  const auto pool = Pool::make();
  std::set<void*> first, second;
  for (auto* addresses : {&first, &second}) {
    const PoolScope scope(*pool);
    addresses->insert(megabytes(1).data_ptr());  // one dies before the next is made: never two at a time
    addresses->insert(megabytes(4).data_ptr());
    addresses->insert(megabytes(16).data_ptr());
    pool->run_ended();
  }
  EXPECT_EQ(first, second);
}

TEST(Pool, NeverReusesWhatSomeoneHolds) {
  const auto pool = Pool::make();
  std::vector<at::Tensor> held;
  std::set<void*> addresses;
  for (int i = 0; i < 8; ++i) {
    const PoolScope scope(*pool);
    held.push_back(at::full({1 << 18}, i, at::kFloat));
    pool->escaped(held.back());
    addresses.insert(held.back().data_ptr());
  }
  EXPECT_EQ(addresses.size(), 8u);
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(held[static_cast<std::size_t>(i)].eq(i).all().item<bool>());
}

TEST(Pool, IsOnlyThereInItsScopeAndThread) {
  const auto pool = Pool::make();
  const PoolScope scope(*pool);
  std::thread([] { EXPECT_FALSE(regions::owns(megabytes(1).data_ptr())); }).join();
  EXPECT_TRUE(regions::owns(megabytes(1).data_ptr()));
}

TEST(Pool, CanBeSwitchedOff) {
  const auto pool = Pool::make();
  use_pool(false);
  {
    const PoolScope scope(*pool);
    EXPECT_FALSE(regions::owns(megabytes(1).data_ptr()));
  }
  use_pool(true);
  const PoolScope scope(*pool);
  EXPECT_TRUE(regions::owns(megabytes(1).data_ptr()));
}

TEST(Pool, ResultsThatAUserCollectedGoBackToTheSystem) {
  const auto pool = Pool::make();
  std::vector<at::Tensor> collected;
  for (int i = 0; i < 16; ++i) {
    const PoolScope scope(*pool);
    collected.push_back(megabytes(4));
    pool->escaped(collected.back());
    pool->run_ended();
  }
  collected.clear();
  EXPECT_LE(pool->cached_bytes(), std::size_t{5} << 20) << "one run's worth may wait, not sixteen";
}

TEST(Pool, ForgetsAPeakThatIsLongAgo) {
  const auto pool = Pool::make();
  {
    const PoolScope scope(*pool);
    megabytes(64);
  }
  EXPECT_GE(pool->cached_bytes(), std::size_t{64} << 20);
  for (int i = 0; i < 200; ++i) {
    const PoolScope scope(*pool);
    megabytes(1);
    pool->run_ended();
  }
  EXPECT_LE(pool->cached_bytes(), std::size_t{2} << 20);
}

TEST(Pool, TensorsOutliveIt) {
  auto pool = Pool::make();
  at::Tensor large, small;
  {
    const PoolScope scope(*pool);
    large = at::ones({1 << 20});
    small = at::ones({3});
  }
  pool.reset();
  EXPECT_EQ(large.sum().item<float>(), float(1 << 20));
  EXPECT_EQ(small.sum().item<float>(), 3.0f);
}

TEST(Pool, RawMemoryMayBeFreedInsideAndOutsideOfRuns) {
  const auto pool = Pool::make();
  auto* allocator = c10::GetCPUAllocator();
  void* outside = allocator->raw_allocate(1 << 20);
  void* inside = nullptr;
  {
    const PoolScope scope(*pool);
    allocator->raw_deallocate(outside);
    inside = allocator->raw_allocate(1 << 20);
    EXPECT_TRUE(regions::owns(inside));
  }
  allocator->raw_deallocate(inside);
  EXPECT_GE(pool->cached_bytes(), std::size_t{1} << 20);
}

TEST(Pool, ManySizesAndThreadsAtOnce) {
  const auto pool = Pool::make();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 1; i < 300; ++i) {
        const PoolScope scope(*pool);
        const auto a = at::full({i * 37 % 4096 + 1}, t, at::kInt), b = at::full({i * 7919 % 300000 + 1}, t, at::kInt);
        ASSERT_TRUE(a.eq(t).all().item<bool>() && b.eq(t).all().item<bool>());
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(a.data_ptr()) % 64, 0u);
        pool->run_ended();
      }
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace burnish
