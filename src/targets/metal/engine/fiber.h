#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

/// Threads of a kernel as fibers of one thread of the system: a switch saves six registers (about 5 ns).
namespace burnish::metal {

/// Saves the caller's context in `*from` and continues at `to`.
extern "C" void mtl_switch(void** from, void* to);

/// Stacks of one size with a guard page below each, kept for reuse.
class Stacks {
 public:
  explicit Stacks(std::size_t bytes) : bytes_(bytes) {}
  Stacks(const Stacks&) = delete;
  ~Stacks();
  char* take();  ///< the lowest usable address, or null where there is no memory
  void give(char* low) { free_.push_back(low); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  std::vector<char*> free_;
  std::vector<char*> blocks_;
};

/// A context that will call `start(argument)` on the stack; `start` must never return.
void* prepare(char* low, std::size_t bytes, void (*start)(void*), void* argument);

}  // namespace burnish::metal
