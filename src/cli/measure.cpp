#include "cli/measure.h"

#include <fmt/format.h>

#include "base/paths.h"
#include "base/process.h"
#include "cli/session.h"
#include "targets/cpu/compile.h"

namespace burnish {
namespace {

constexpr const char* kind = "roofline";
constexpr double measure_timeout_s = 120;

/// Twelve chains of additions to products: enough to fill two units of four cycles each, few enough for 16 registers.
constexpr const char* peak_source = R"(#include <cstdint>
#if defined(__AVX512F__)
typedef float vec __attribute__((vector_size(64)));
#elif defined(__AVX__)
typedef float vec __attribute__((vector_size(32)));
#else
typedef float vec __attribute__((vector_size(16)));
#endif
extern "C" void peak(std::int64_t begin, std::int64_t end, float* out) {
  constexpr int chains = 12, lanes = sizeof(vec) / sizeof(float);
  vec sums[chains], factor = vec{} + 0.5f, term = vec{} + 1.0f;
  for (int c = 0; c < chains; ++c) sums[c] = vec{} + static_cast<float>(c);
  for (std::int64_t i = begin; i < end; ++i) {
    asm volatile("" : "+x"(factor), "+x"(term));
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = sums[c] * factor + term;
  }
  float all = 0;
  for (int c = 0; c < chains; ++c) all += sums[c][0];
  out[0] = 2.0f * chains * lanes;
  out[1] = all;
}
)";

Result<std::filesystem::path> peak_object(const Store& store, bool sandbox) {
  cpu::CompileRequest request;
  request.name = "peak.cpp";
  request.source = peak_source;
  request.kernels = {"peak"};
  request.cache = store.folder() / "objects";
  request.sandbox = sandbox;
  return cpu::compile(request);
}

/// The processor or GPU with the threads that PyTorch may use: what a measurement holds for.
std::string device_key(const std::string& target) {
  const json host = describe_host(target);
  return fmt::format("{}: {}, {} cores", target, host.value("device", "unknown"), host.value("cores", 0));
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return "see what `burnish doctor` finds";
  const auto at = text.rfind('\n');
  return at == std::string::npos ? text : text.substr(at + 1);
}

Roofline roofline_of(const json& body) {
  return {body.value("bytes_per_second", 0.0), body.value("flops_per_second", 0.0), body.value("threads", 0),
          body.value("measured", 0.0)};
}

}  // namespace

json Roofline::to_json() const {
  return {{"bytes_per_second", bytes_per_second},
          {"flops_per_second", flops_per_second},
          {"threads", threads},
          {"measured", measured}};
}

Result<Roofline> measure_roofline(Store& store, const std::string& target, bool sandbox) {
  if (target != "cpu" && target != "cuda")
    return fail("only the targets cpu and cuda have a roofline to measure", target, "an emulator's times mean nothing");
  TRY(python, find_python());
  RunOptions options;
  options.argv = {python.string(), "-m", "burnish.roofline", "--target", target};
  options.timeout_s = measure_timeout_s;
  if (target == "cpu") {
    TRY(object, peak_object(store, sandbox));
    options.argv.insert(options.argv.end(), {"--object", object.string()});
  }
  TRY(done, burnish::run(std::move(options)));
  json body = json::parse(done.out, nullptr, /*allow_exceptions=*/false);
  if (!succeeded(done.exit) || !body.is_object() || roofline_of(body).bytes_per_second <= 0)
    return fail("the measurement failed: " + describe(done.exit), python.string() + " -m burnish.roofline",
                last_line(done.err), "environment");
  body["measured"] = now_seconds();
  if (auto ok = store.add_measurement(kind, device_key(target), body); !ok) return std::unexpected(ok.error());
  return roofline_of(body);
}

Result<std::optional<Roofline>> kept_roofline(Store& store, const std::string& target) {
  TRY(body, store.measurement(kind, device_key(target)));
  if (!body) return std::nullopt;
  return roofline_of(*body);
}

std::string describe(const Roofline& roofline) {
  return fmt::format("{:.1f} GB/s of copies and {:.0f} GFLOP/s in fp32 on {} thread{}", roofline.bytes_per_second / 1e9,
                     roofline.flops_per_second / 1e9, roofline.threads, roofline.threads == 1 ? "" : "s");
}

}  // namespace burnish
