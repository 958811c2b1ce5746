#include "runtime/graphs_cuda.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstddef>
#include <utility>

#include "runtime/cuda.h"

namespace burnish {
namespace {

/// at::cuda::CUDAGraph by the names that its member functions have in libtorch_cuda (PyTorch 2.11): its header needs
/// CUDA's own.
struct TorchGraphs {
  using PoolId = std::pair<unsigned long long, unsigned long long>;
  static constexpr int in_this_thread = 1;    ///< cudaStreamCaptureModeThreadLocal: others go on as they do
  static constexpr std::size_t bytes = 4096;  ///< of an object; 2.11 needs about 200

  void (*construct)(void*, bool keep_graph) = nullptr;
  void (*destroy)(void*) = nullptr;
  void (*begin)(void*, PoolId, int mode) = nullptr;
  void (*end)(void*) = nullptr;
  void (*replay)(void*) = nullptr;
  cuda::Code (*is_capturing)(cuda::Stream, int* status) = nullptr;  ///< the driver's

  bool complete() const { return construct && destroy && begin && end && replay && is_capturing; }
};

template <class F>
void find(void* library, const char* name, F& function) {
  if (library) function = reinterpret_cast<F>(dlsym(library, name));
}

TorchGraphs find_torch_graphs() {
  TorchGraphs found;
  void* torch = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_NOLOAD);
  find(torch, "_ZN2at4cuda9CUDAGraphC1Eb", found.construct);
  find(torch, "_ZN2at4cuda9CUDAGraphD1Ev", found.destroy);
  find(torch, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode", found.begin);
  find(torch, "_ZN2at4cuda9CUDAGraph11capture_endEv", found.end);
  find(torch, "_ZN2at4cuda9CUDAGraph6replayEv", found.replay);
  find(dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD), "cuStreamIsCapturing", found.is_capturing);
  return found;
}

const TorchGraphs& torch_graphs() {
  static const TorchGraphs found = find_torch_graphs();
  return found;
}

c10::impl::VirtualGuardImpl streams() {
  return c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA);
}

/// Makes a stream the current one of its device, for this thread and time.
class OnStream {
 public:
  explicit OnStream(c10::Stream stream) : before_(streams().exchangeStream(stream)) {}
  ~OnStream() { streams().exchangeStream(before_); }
  OnStream(const OnStream&) = delete;
  OnStream& operator=(const OnStream&) = delete;

 private:
  c10::Stream before_;
};

void let_wait(c10::Stream later, c10::Stream earlier) {
  c10::Event event(c10::DeviceType::CUDA);
  event.record(earlier);
  event.block(later);
}

class CudaRecording : public Recording {
 public:
  explicit CudaRecording(c10::Device device) : device_(device), last_use_(c10::DeviceType::CUDA) {
    torch_graphs().construct(graph_, false);
  }
  CudaRecording(const CudaRecording&) = delete;
  CudaRecording& operator=(const CudaRecording&) = delete;
  ~CudaRecording() override {
    try {  // at the process's end CUDA may be gone already
      const c10::DeviceGuard on(device_);
      if (used_on_) last_use_.synchronize();
      torch_graphs().destroy(graph_);
    } catch (const std::exception&) {
    }
  }

  void begin() { torch_graphs().begin(graph_, {0, 0}, TorchGraphs::in_this_thread); }
  void end() { torch_graphs().end(graph_); }

  void enter() override {
    const auto stream = streams().getStream(device_);
    if (used_on_ && *used_on_ != stream) last_use_.block(stream);
  }
  void replay() override { torch_graphs().replay(graph_); }
  void leave() noexcept override {
    try {
      used_on_ = streams().getStream(device_);
      last_use_.record(*used_on_);
    } catch (const std::exception&) {  // CUDA is past use: the next call says so
    }
  }

 private:
  alignas(64) std::byte graph_[TorchGraphs::bytes];
  c10::Device device_;
  c10::Event last_use_;
  std::optional<c10::Stream> used_on_;
};

/// Ends a capture that failed. Where even that fails the allocator goes on asking the graph, so that it must stay.
void abandon(std::unique_ptr<CudaRecording> recording) {
  try {
    recording->end();
  } catch (const std::exception&) {
    (void)recording.release();  // NOLINT(bugprone-unused-return-value)
  }
}

class CudaRecorder : public Recorder {
 public:
  bool is_free(c10::Device device) override {
    int status = 0;
    const auto code = torch_graphs().is_capturing(current_cuda_stream(device.index()), &status);
    return code == cuda::success && status == 0;
  }

  std::unique_ptr<Recording> record(c10::Device device, const std::function<void()>& body) override {
    const c10::DeviceGuard on(device);
    const auto caller = streams().getStream(device);
    const auto side = streams().getStreamFromGlobalPool(device);  // the default stream cannot be captured
    let_wait(side, caller);
    auto recording = std::make_unique<CudaRecording>(device);
    {
      const OnStream there(side);
      body();
      recording->begin();
      try {
        body();
      } catch (...) {
        abandon(std::move(recording));
        throw;
      }
      end(recording);
    }
    let_wait(caller, side);
    return recording;
  }

 private:
  static void end(std::unique_ptr<CudaRecording>& recording) {
    try {
      recording->end();
    } catch (...) {
      (void)recording.release();  // as in abandon
      throw;
    }
  }
};

}  // namespace

std::shared_ptr<Recorder> cuda_recorder() {
  if (!ensure_cuda() || !torch_graphs().complete()) return nullptr;
  static const auto recorder = std::make_shared<CudaRecorder>();
  return recorder;
}

}  // namespace burnish
