#pragma once
#include <stdint.h>

/// The emulator for other languages and libraries: libburnish_metal.so. Texts go in and out as JSON (UTF-8, ended by
/// 0). Calls are safe from several threads; launches run one after another.
#ifdef __cplusplus
extern "C" {
#endif

typedef struct burnish_metal_library burnish_metal_library;

/// Compiles and loads. request: {"source", "checked": bool, "cache": folder, "sandbox": bool}. Null where it fails;
/// then, and else too, *reply (to be freed by burnish_metal_free) is {"error": {"reason", "what", "where", "todo"}} or
/// {"kernels": [{"name", "most_threads", "parameters": [{"kind", "index", "name", "writable", ...}]}], "object",
/// "warnings"}.
burnish_metal_library* burnish_metal_compile(const char* request, char** reply);

/// Loads an object that burnish_metal_compile (or the compile step) left; replies as above. `facts`: its description,
/// or null where that lies beside the object under the same name with .json.
burnish_metal_library* burnish_metal_open(const char* object, const char* facts, int checked, char** reply);
void burnish_metal_close(burnish_metal_library* library);
void burnish_metal_free(char* reply);

typedef struct {
  int32_t index;      ///< of [[buffer(n)]]
  int32_t addresses;  ///< above 0: `data` is room for so many addresses, which `tensors` and `tensor_bytes` give
  void* data;
  uint64_t bytes;
  void* const* tensors;
  const uint64_t* tensor_bytes;
} burnish_metal_buffer;

typedef struct {
  uint32_t threads[3], group[3];
  const burnish_metal_buffer* buffers;
  int32_t buffer_count, dynamic_count;
  const uint32_t* dynamic_bytes;  ///< of [[threadgroup(n)]]
  double timeout_s;               ///< 0: 10
  int32_t threads_of_system;      ///< 0: one a processor
  int32_t in_place;  ///< 1: run in this thread alone or by `parallel`, make no threads, no signal handler, no watch
  void (*parallel)(int n, void (*f)(int, void*), void* context);
  uint64_t* barriers;  ///< if not null: grows by one for each barrier of each threadgroup
  uint64_t* products;  ///< if not null: grows by one for each product of two 8 x 8 matrices of a simdgroup
} burnish_metal_launch;

/// 0: ran. 1: misuse, *reply is {"error": ...}. 2: *reply is {"finding": {"kind", "message", "line", "other_line",
/// "thread", "group", "buffer", "offset", "variable"}}; the buffers hold what the kernel had written by then (fast
/// mode) or nothing (checked).
int burnish_metal_run(burnish_metal_library* library, const char* kernel, const burnish_metal_launch* launch,
                      char** reply);

#ifdef __cplusplus
}
#endif
