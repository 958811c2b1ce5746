#include <unistd.h>

#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "base/json.h"
#include "targets/cuda/nvrtc.h"
#include "targets/cuda/nvrtc_api.h"

namespace burnish::cuda {
namespace {

constexpr int cubin_fd = 7, misuse = 2, refused = 1;

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = write(fd, bytes.data(), bytes.size());
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

std::string read_all(int fd) {
  std::string text;
  char chunk[65536];
  for (ssize_t got = 0; (got = read(fd, chunk, sizeof chunk)) > 0;) text.append(chunk, static_cast<std::size_t>(got));
  return text;
}

int complain(const std::string& what) {
  std::fprintf(stderr, "burnish nvrtc: %s\n", what.c_str());
  return misuse;
}

int compile(const NvrtcApi& api, const json& request) {
  std::vector<std::string> options = request.at("options"), names, texts;
  for (const auto& [name, text] : request.at("headers").get<std::vector<std::pair<std::string, std::string>>>()) {
    names.push_back(name);
    texts.push_back(text);
  }
  const auto pointers = [](const std::vector<std::string>& strings) {
    std::vector<const char*> list;
    for (const auto& s : strings) list.push_back(s.c_str());
    return list;
  };
  const auto source = request.at("source").get<std::string>();
  NvrtcProgram program = nullptr;
  if (const int code = api.create(&program, source.c_str(), "burnish_signatures.cu", static_cast<int>(names.size()),
                                  pointers(texts).data(), pointers(names).data());
      code != 0)
    return complain(api.error_text(code));
  const int code = api.compile(program, static_cast<int>(options.size()), pointers(options).data());
  std::size_t size = 0;
  if (api.log_size(program, &size) == 0 && size > 1) {
    std::string log(size, '\0');
    api.log(program, log.data());
    write_all(STDERR_FILENO, std::string_view(log).substr(0, size - 1));
  }
  if (code != 0) return refused;
  if (api.cubin_size(program, &size) != 0 || size == 0) return complain("NVRTC made no cubin");
  std::string cubin(size, '\0');
  if (const int got = api.cubin(program, cubin.data()); got != 0) return complain(api.error_text(got));
  return write_all(cubin_fd, cubin) ? 0 : complain("the cubin cannot be written");
}

}  // namespace

int nvrtc_main(int argc, char** argv) {
  if (argc != 2) return complain("it is started by Burnish's compile step, not by hand");
  const auto api = load_nvrtc(argv[1]);
  if (!api) return complain(to_text(api.error()));
  const auto request = json::parse(read_all(STDIN_FILENO), nullptr, false);
  try {
    return compile(*api, request);
  } catch (const std::exception& error) {
    return complain(error.what());
  }
}

}  // namespace burnish::cuda
