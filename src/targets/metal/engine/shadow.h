#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "targets/metal/engine/finding.h"

namespace burnish::metal {

class Group;
struct Launch;
struct LaunchRequest;

struct Access {
  bool write = false, atomic = false, unaligned = false;
  bool reads = false;  ///< a write that reads first
};

/// The memory of a checked launch. Buffers are copied to places 64 GiB apart, so that no 32-bit index leads from one
/// into another; for every two bytes a cell says who wrote and who read last, and in which epoch of barriers.
class Shadow {
 public:
  /// Reserves places and copies the buffers in; sets the launch's addresses.
  static Result<std::unique_ptr<Shadow>> make(Launch& launch);
  ~Shadow();
  Shadow(const Shadow&) = delete;

  /// Copies what the kernel may have written back into the caller's buffers.
  void copy_back();

  /// Ends the running thread with a finding where the access is wrong.
  void check(Group& group, std::uintptr_t address, std::size_t bytes, Access kind, std::uintptr_t pc);

  /// Reports what was read before anybody wrote it, now that no thread can still write it at the same time (then it
  /// would have been a race). False where there was something.
  bool settle(Group& group);

  /// "buffer 2, 4 bytes behind its end (1024 bytes)" for any address near a buffer; sets buffer and offset.
  bool describe(std::uintptr_t address, Finding& finding, std::string& text) const;

 private:
  /// Who wrote last and before that, and the same of readers: thread, epoch, place in the object, and which of the
  /// cell's two bytes (bits 0 and 1).
  struct Cell {
    struct Touch {
      std::uint32_t thread, epoch, place : 30, which : 2;
    } writer, writer2, reader, reader2;
  };
  struct Window {
    std::uintptr_t base = 0;  ///< of the data
    std::uint64_t bytes = 0;
    char* original = nullptr;
    std::vector<std::pair<int, std::uint64_t>> buffers;  ///< {argument, offset of it in the window}
    Cell* cells = nullptr;
    std::uint64_t cell_bytes = 0;
    bool is_list = false;
  };

  Shadow() = default;
  void track(Group& group, Cell* cells, std::uint64_t offset, std::size_t bytes, bool device, Access kind,
             Finding found, const std::function<std::string(Finding&)>& what);

  std::uintptr_t reserve_ = 0;
  std::uint64_t reserve_bytes_ = 0;
  std::vector<Window> windows_;
  std::vector<Cell> shared_cells_;
  std::map<std::size_t, Finding>
      unwritten_;  ///< cells of threadgroup memory that were read unwritten, their first readers
};

}  // namespace burnish::metal
