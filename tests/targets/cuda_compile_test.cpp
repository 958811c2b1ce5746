#include "targets/cuda/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "targets/cuda/cubin.h"

namespace fs = std::filesystem;
using testing::HasSubstr;

namespace burnish::cuda {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // the compiling process is this very program, and a sanitizer wants /proc and memory
#else
constexpr bool sanitized = false;
#endif

constexpr const char* scale = R"(
extern "C" __global__ void scale(const float* __restrict__ x, float* y, float by, int64_t n) {
  __shared__ float tile[256];
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  tile[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  if (i < n) y[i] = tile[threadIdx.x ^ 1] * by;
}
)";

struct CudaCompile : testing::Test {
  CompileRequest request;
  void SetUp() override {
    if (sanitized) GTEST_SKIP() << "runs without sanitizers";
    if (const auto nvrtc = find_nvrtc(); !nvrtc) GTEST_SKIP() << to_text(nvrtc.error());
    request.cache = fs::temp_directory_path() / ("burnish-cuda-compile-test-" + std::to_string(getpid()));
    request.kernels = {"scale"};
    request.source = scale;
    request.timeout_s = 30;
  }
  void TearDown() override { fs::remove_all(request.cache.folder()); }

  Object compiled() {
    const auto file = compile(request);
    if (!file) throw std::runtime_error(to_text(file.error()));
    auto object = read_object(*file);
    if (!object) throw std::runtime_error(to_text(object.error()));
    return *object;
  }

  /// Compiles; gives the error's text, whose reason must be `reason`.
  std::string refusal(const std::string& source, const std::string& reason) {
    request.source = source;
    const auto r = compile(request);
    if (r) return "(it was accepted)";
    EXPECT_EQ(r.error().reason, reason) << to_text(r.error());
    return to_text(r.error());
  }
};

TEST_F(CudaCompile, MakesAnObjectForEachArchitectureWithoutAGpu) {
  for (const char* architecture : {"sm_80", "sm_90a", "sm_100"}) {
    request.architecture = architecture;
    const auto object = compiled();
    EXPECT_EQ(object.architecture, architecture);
    EXPECT_EQ(object.cubin.substr(0, 4), "\177ELF");
    const auto& facts = object.kernels.at("scale");
    EXPECT_EQ(facts.signature, "ppfi");
    EXPECT_EQ(facts.shared_bytes, 1024);
    EXPECT_GT(facts.registers, 4);
    EXPECT_EQ(facts.spilled_bytes, 0);
  }
}

TEST_F(CudaCompile, IsQuickAndTheCacheIsQuicker) {
  const auto seconds = [&] {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(compile(request).has_value());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double cold = seconds(), warm = seconds();
  RecordProperty("cold_s", std::to_string(cold));
  EXPECT_LT(cold, 5.0);
  EXPECT_LT(warm, 0.2);
}

TEST_F(CudaCompile, TheCacheKeepsArchitecturesAndSourcesApart) {
  const auto a = compile(request);
  request.architecture = "sm_80";
  const auto b = compile(request);
  request.source += "\n";
  const auto c = compile(request);
  ASSERT_TRUE(a && b && c);
  EXPECT_NE(*a, *b);
  EXPECT_NE(*b, *c);
}

TEST_F(CudaCompile, KernelsHaveHalfTypesTensorCoresAndInlinePtx) {
  request.kernels = {"k"};
  request.source = R"(
#include <cuda_fp16.h>
#include <mma.h>
#include <cfloat>
#include <cooperative_groups.h>
extern "C" __global__ void k(const __half* a, const __half* b, float* c, float* d) {
  using namespace nvcuda;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc;
  wmma::fill_fragment(fc, 0.0f);
  wmma::load_matrix_sync(fa, a, 16);
  wmma::load_matrix_sync(fb, b, 16);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
  asm volatile("wgmma.fence.sync.aligned;");
  d[threadIdx.x] = threadIdx.x ? INFINITY : FLT_MAX;
}
)";
  const auto nvrtc = find_nvrtc();
  if (!has_all_headers(*nvrtc)) GTEST_SKIP() << "CUDA's headers are not installed (requirements.txt)";
  EXPECT_EQ(compiled().kernels.at("k").signature, "pppp");
  request.architecture = "sm_90";
  EXPECT_THAT(refusal(request.source, "compile"), HasSubstr("wgmma"));
}

TEST_F(CudaCompile, DiagnosticsNameTheCandidatesLine) {
  const auto text = refusal("extern \"C\" __global__ void scale(float* y) {\n  y[0] = nothing;\n}\n", "compile");
  EXPECT_THAT(text, HasSubstr("kernels.cu does not compile for sm_90a (kernels.cu(2): error: identifier \"nothing\""));
}

TEST_F(CudaCompile, RefusesArgumentsThatALaunchCannotGive) {
  EXPECT_THAT(refusal("extern \"C\" __global__ void scale(float* y, int n) {}", "compile"),
              HasSubstr("pointers, int64_t or float"));
  EXPECT_THAT(refusal("extern \"C\" __global__ void scale(double x) {}", "compile"),
              HasSubstr("pointers, int64_t or float"));
}

TEST_F(CudaCompile, NamesAKernelThatIsNotThere) {
  EXPECT_THAT(refusal("extern \"C\" __global__ void other(float* y) {}", "compile"), HasSubstr("scale"));
  EXPECT_THAT(refusal("extern \"C\" __device__ void scale(float* y) {}", "object"),
              HasSubstr("has no kernel of this name"));
}

TEST_F(CudaCompile, EndsWhatDoesNotEnd) {
  request.timeout_s = 1;
  const auto text = refusal(
      "template <long n> struct S { static constexpr long v = S<n - 1>::v + S<n - 2>::v + S<n - 3>::v; };\n"
      "constexpr long f(long n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\n"
      "template <int a, int b> struct T { static constexpr int v = T<a - 1, b>::v + T<a - 1, b + 1>::v; };\n"
      "template <int b> struct T<0, b> { static constexpr int v = b; };\n"
      "extern \"C\" __global__ void scale(float* y) { y[0] = T<190, 0>::v + T<189, 1000>::v + T<188, 2000>::v; }",
      "compile");
  EXPECT_THAT(text, HasSubstr("does not compile"));
}

TEST_F(CudaCompile, SeesNoFileOfThisMachine) {
  EXPECT_THAT(refusal("#include \"/etc/passwd\"\nextern \"C\" __global__ void scale(float* y) {}", "compile"),
              HasSubstr("/etc/passwd"));
  EXPECT_THAT(refusal("#include \"/proc/self/environ\"\nextern \"C\" __global__ void scale(float* y) {}", "compile"),
              testing::Not(HasSubstr("PATH=")));
}

TEST_F(CudaCompile, SaysWhichArchitecturesThereAre) {
  request.architecture = "sm_999";
  EXPECT_THAT(refusal(scale, "environment"), testing::AllOf(HasSubstr("sm_999"), HasSubstr("sm_90")));
  const auto nvrtc = find_nvrtc();
  EXPECT_EQ(architecture_of(*nvrtc, 8, 0).value_or("none"), "sm_80");
  EXPECT_EQ(architecture_of(*nvrtc, 9, 0).value_or("none"), "sm_90a");
  EXPECT_EQ(architecture_of(*nvrtc, 10, 0).value_or("none"), "sm_100a");
  EXPECT_FALSE(architecture_of(*nvrtc, 1, 0));
}

TEST(CudaObject, SurvivesItsFile) {
  const Object object{"sm_80", {{"k", {"pif", 32, 8, 1024}}}, std::string("\0bytes\n", 7)};
  const auto read = decode(encode(object));
  ASSERT_TRUE(read.has_value()) << to_text(read.error());
  EXPECT_EQ(read->architecture, "sm_80");
  EXPECT_EQ(read->cubin, object.cubin);
  EXPECT_EQ(read->kernels.at("k").signature, "pif");
  EXPECT_EQ(read->kernels.at("k").registers, 32);
  EXPECT_FALSE(decode(encode(object).substr(0, 60)));
  EXPECT_FALSE(decode("nothing"));
  EXPECT_FALSE(decode(encode(object) + "more"));
  EXPECT_FALSE(read_kernels("nothing", {"k"}));
}

TEST(CudaObject, TakesResourcesFromTheCompilersLog) {
  std::map<std::string, KernelFacts> kernels = {{"a", {}}, {"b", {}}};
  read_resources(
      "ptxas info    : Compiling entry function 'a' for 'sm_80'\n"
      "ptxas         .     16 bytes stack frame, 8 bytes spill stores, 8 bytes spill loads\n"
      "ptxas info    : Used 255 registers, used 1 barriers, 2048 bytes smem, 384 bytes cmem[0]\n"
      "ptxas info    : Compiling entry function 'other' for 'sm_80'\n"
      "ptxas info    : Used 9 registers\n",
      kernels);
  EXPECT_EQ(kernels["a"].registers, 255);
  EXPECT_EQ(kernels["a"].spilled_bytes, 16);
  EXPECT_EQ(kernels["a"].shared_bytes, 2048);
  EXPECT_EQ(kernels["b"].registers, 0);
}

}  // namespace
}  // namespace burnish::cuda

/// The compile step starts this very program again, inside the sandbox.
int main(int argc, char** argv) {
  if (argc >= 2 && std::string_view(argv[1]) == "nvrtc") return burnish::cuda::nvrtc_main(argc - 1, argv + 1);
  setenv("BURNISH_PYTHON", BURNISH_TEST_PYTHON, 0);  // whose packages hold NVRTC
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
