#pragma once
#include <condition_variable>
#include <mutex>

namespace burnish {

/// While the judge times a candidate nothing else of ours may run: compilers are stopped where they are (SIGSTOP to
/// every descendant of this process but the judge's own) and no agent or compiler starts.
class Lease {
 public:
  /// The judge's process and its descendants are never stopped; 0 where the judge is no child of ours.
  void spare(int judge_pid) { judge_pid_ = judge_pid; }
  void take();
  void give();
  /// Blocks while the lease is taken: called before anything that uses the processor.
  void wait();

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  bool taken_ = false;
  int judge_pid_ = 0;
};

}  // namespace burnish
