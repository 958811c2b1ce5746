#include "targets/cuda/describe.h"

#include <fmt/format.h>

#include "base/cuda_driver.h"

namespace burnish::cuda {

Result<Device> describe(int ordinal) {
  TRY(d, driver());
  int count = 0;
  d->cuDeviceGetCount(&count);
  if (ordinal < 0 || ordinal >= count)
    return fail(fmt::format("there is no GPU number {}", ordinal), fmt::format("{} visible", count),
                "see what nvidia-smi and CUDA_VISIBLE_DEVICES say", "environment");
  DeviceNumber number = 0;
  if (const Code code = d->cuDeviceGet(&number, ordinal); code != success)
    return std::unexpected(driver_error(*d, code, fmt::format("GPU {}", ordinal)));
  const auto get = [&](DeviceAttribute attribute) {
    int value = 0;
    return d->cuDeviceGetAttribute(&value, attribute, number) == success ? value : 0;
  };
  Device device;
  char name[256] = {};
  if (d->cuDeviceGetName(name, sizeof name - 1, number) == success) device.name = name;
  std::size_t bytes = 0;
  if (d->cuDeviceTotalMem(&bytes, number) == success) device.memory_bytes = static_cast<std::int64_t>(bytes);
  int version = 0;
  d->cuDriverGetVersion(&version);
  device.driver_major = version / 1000;
  device.driver_minor = version % 1000 / 10;
  device.capability_major = get(DeviceAttribute::capability_major);
  device.capability_minor = get(DeviceAttribute::capability_minor);
  device.multiprocessors = get(DeviceAttribute::multiprocessors);
  device.clock_khz = get(DeviceAttribute::clock_khz);
  device.memory_clock_khz = get(DeviceAttribute::memory_clock_khz);
  device.memory_bus_bits = get(DeviceAttribute::memory_bus_bits);
  device.l2_bytes = get(DeviceAttribute::l2_bytes);
  device.shared_bytes = get(DeviceAttribute::shared_per_block_at_most);
  device.registers = get(DeviceAttribute::registers_per_block);
  device.compute_mode = get(DeviceAttribute::compute_mode);
  return device;
}

Status check_usable(int ordinal) {
  TRY(device, describe(ordinal));
  constexpr int shared = 0;
  if (device.compute_mode == shared) return {};
  const char* mode = device.compute_mode == 2 ? "runs nothing (compute mode prohibited)"
                                              : "serves one process at a time (compute mode exclusive)";
  return fail(std::string("the GPU ") + mode + ", and judge and workers need it together", device.name,
              "set it to shared: nvidia-smi -c 0", "environment");
}

json Device::to_json() const {
  return {{"name", name},
          {"capability", fmt::format("{}.{}", capability_major, capability_minor)},
          {"multiprocessors", multiprocessors},
          {"clock_khz", clock_khz},
          {"memory_clock_khz", memory_clock_khz},
          {"memory_bus_bits", memory_bus_bits},
          {"memory_bytes", memory_bytes},
          {"l2_bytes", l2_bytes},
          {"shared_bytes", shared_bytes},
          {"registers", registers},
          {"driver", fmt::format("{}.{}", driver_major, driver_minor)}};
}

}  // namespace burnish::cuda
