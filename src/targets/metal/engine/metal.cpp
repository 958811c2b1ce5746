#include "base/metal_engine.h"

#include <cstring>

#include "base/json.h"
#include "targets/metal/engine/load.h"

#define MTL_API extern "C" __attribute__((visibility("default")))

using namespace burnish;

struct burnish_metal_library {
  std::shared_ptr<metal::Library> library;
};

namespace {

void answer(char** reply, const json& j) {
  if (!reply) return;
  const auto text = j.dump(-1, ' ', false, json::error_handler_t::replace);
  *reply = static_cast<char*>(std::malloc(text.size() + 1));
  if (*reply) std::memcpy(*reply, text.c_str(), text.size() + 1);
}

json error_json(const Error& e) {
  return {{"error", {{"reason", e.reason}, {"what", e.what}, {"where", e.where}, {"todo", e.todo}}}};
}

json description(const metal::Library& library) {
  json kernels = json::array();
  constexpr const char* kinds[] = {"buffer", "threadgroup", "builtin"};
  for (const auto& k : library.kernels()) {
    json parameters = json::array();
    for (std::size_t i = 0; i < k.kernel.parameters.size(); ++i) {
      const auto& p = k.kernel.parameters[i];
      parameters.push_back({{"kind", kinds[static_cast<int>(p.kind)]},
                            {"index", p.index},
                            {"name", p.name},
                            {"builtin", p.builtin},
                            {"writable", p.writable},
                            {"least_bytes", k.sizes[3 * i]},
                            {"letter", std::string(1, static_cast<char>(k.sizes[3 * i + 2]))}});
    }
    kernels.push_back({{"name", k.kernel.name},
                       {"line", k.kernel.line},
                       {"most_threads", k.kernel.most_threads},
                       {"parameters", parameters}});
  }
  return {
      {"kernels", kernels}, {"object", library.compiled().object.string()}, {"warnings", library.compiled().warnings}};
}

burnish_metal_library* open(const Result<metal::Compiled>& compiled, bool checked, char** reply) {
  if (!compiled) return answer(reply, error_json(compiled.error())), nullptr;
  auto library = metal::Library::open(*compiled, checked);
  if (!library) return answer(reply, error_json(library.error())), nullptr;
  answer(reply, description(**library));
  return new burnish_metal_library{std::move(*library)};
}

json finding_json(const metal::Finding& f, const std::string& kernel) {
  return {{"finding",
           {{"kind", f.kind},
            {"message", f.message},
            {"line", f.line},
            {"other_line", f.other_line},
            {"kernel", kernel},
            {"thread", f.thread},
            {"group", f.group},
            {"buffer", f.buffer < 0 ? json() : json(f.buffer)},
            {"offset", f.offset},
            {"variable", f.variable}}}};
}

metal::LaunchRequest read(const burnish_metal_launch& in) {
  metal::LaunchRequest r;
  for (int d = 0; d < 3; ++d) {
    r.threads[d] = in.threads[d];
    r.group[d] = in.group[d];
  }
  for (int i = 0; i < in.buffer_count; ++i) {
    const auto& b = in.buffers[i];
    r.buffers.push_back({b.index, b.data, b.bytes, b.addresses > 0, {}});
    for (int k = 0; k < b.addresses; ++k) r.buffers.back().tensors.emplace_back(b.tensors[k], b.tensor_bytes[k]);
  }
  r.dynamic_bytes.assign(in.dynamic_bytes, in.dynamic_bytes + in.dynamic_count);
  r.barriers = in.barriers;
  r.products = in.products;
  if (in.timeout_s > 0) r.timeout_s = in.timeout_s;
  r.threads_of_system = in.threads_of_system;
  if (in.in_place) {
    r.catch_faults = false;
    r.parallel = [parallel = in.parallel](int n, const std::function<void(int)>& f) {
      const auto call = [](int i, void* context) { (*static_cast<const std::function<void(int)>*>(context))(i); };
      if (parallel) return parallel(n, call, const_cast<void*>(static_cast<const void*>(&f)));
      for (int i = 0; i < n; ++i) f(i);
    };
  }
  return r;
}

}  // namespace

MTL_API burnish_metal_library* burnish_metal_compile(const char* request, char** reply) {
  metal::CompileRequest r;
  try {
    const auto j = json::parse(request);
    r.source = j.at("source");
    r.checked = j.value("checked", false);
    r.cache = std::filesystem::path(j.at("cache").get<std::string>());
    r.sandbox = j.value("sandbox", true);
  } catch (const json::exception& e) {
    return answer(reply, error_json({"the request cannot be read", e.what(), "", "protocol"})), nullptr;
  }
  return open(metal::compile(r), r.checked, reply);
}

MTL_API burnish_metal_library* burnish_metal_open(const char* object, const char* facts, int checked, char** reply) {
  return open(metal::load_compiled(object, facts ? facts : ""), checked != 0, reply);
}

MTL_API void burnish_metal_close(burnish_metal_library* library) {
  delete library;
}

MTL_API void burnish_metal_free(char* reply) {
  std::free(reply);
}

MTL_API int burnish_metal_run(burnish_metal_library* library, const char* name, const burnish_metal_launch* in,
                              char** reply) {
  const auto* kernel = library->library->find(name);
  if (!kernel) return answer(reply, error_json({"there is no kernel of that name", name, "", "launch"})), 1;
  const auto done = library->library->launch(*kernel, read(*in));
  if (!done) return answer(reply, error_json(done.error())), 1;
  if (*done) return answer(reply, finding_json(**done, name)), 2;
  return 0;
}
