#include "targets/cuda/cubin.h"

#include <gelf.h>
#include <libelf.h>

#include <memory>
#include <optional>
#include <regex>

namespace burnish::cuda {
namespace {

constexpr std::string_view prefix = "burnish_signature_";

std::unexpected<Error> broken(std::string what, std::string where = {}) {
  return fail(std::move(what), std::move(where), "see that each kernel is extern \"C\" __global__ void NAME(...)",
              "object");
}

/// The bytes of section `index` from `offset` on.
std::optional<std::string_view> bytes_at(Elf* elf, std::size_t index, std::uint64_t offset, std::uint64_t size) {
  Elf_Scn* section = elf_getscn(elf, index);
  GElf_Shdr header;
  if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS) return {};
  const Elf_Data* data = elf_rawdata(section, nullptr);
  if (!data || !data->d_buf || offset > data->d_size || size > data->d_size - offset) return {};
  return std::string_view(static_cast<const char*>(data->d_buf) + offset, size);
}

struct Symbols {
  std::map<std::string, bool> functions;
  std::map<std::string, std::string> signatures;
};

void read_symbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, Symbols& out) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (!data || header.sh_entsize == 0) return;
  for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Sym symbol;
    if (!gelf_getsym(data, static_cast<int>(i), &symbol)) return;
    const char* text = elf_strptr(elf, header.sh_link, symbol.st_name);
    const std::string name = text ? text : "";
    if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC) out.functions[name] = true;
    if (GELF_ST_TYPE(symbol.st_info) != STT_OBJECT || !name.starts_with(prefix)) continue;
    const auto bytes = bytes_at(elf, symbol.st_shndx, symbol.st_value, symbol.st_size);
    if (bytes && !bytes->empty()) out.signatures[name.substr(prefix.size())] = bytes->substr(0, bytes->size() - 1);
  }
}

int number(const std::smatch& match) {
  return std::stoi(match[1].str().substr(0, 9));
}

}  // namespace

Result<std::map<std::string, KernelFacts>> read_kernels(std::string_view cubin, const std::vector<std::string>& names) {
  elf_version(EV_CURRENT);
  std::string copy(cubin);  // libelf wants memory that it may write to
  const std::unique_ptr<Elf, decltype(&elf_end)> elf(elf_memory(copy.data(), copy.size()), &elf_end);
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF) return broken("NVRTC's output is no ELF file");
  Symbols symbols;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section));) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
      read_symbols(elf.get(), section, header, symbols);
  }
  std::map<std::string, KernelFacts> kernels;
  for (const auto& name : names) {
    if (!symbols.functions.contains(name)) return broken("the source has no kernel of this name", name);
    const auto it = symbols.signatures.find(name);
    if (it == symbols.signatures.end() || it->second.find_first_not_of("pif") != std::string::npos)
      return broken("the kernel's signature cannot be read", name);
    kernels[name].signature = it->second;
  }
  return kernels;
}

void read_resources(std::string_view log, std::map<std::string, KernelFacts>& kernels) {
  static const std::regex entry("Compiling entry function '([^']+)'"), used("Used (\\d+) registers"),
      shared("(\\d+) bytes smem"), frame("(\\d+) bytes stack frame");
  KernelFacts* kernel = nullptr;
  for (std::size_t begin = 0; begin < log.size();) {
    const auto end = std::min(log.find('\n', begin), log.size());
    const std::string line(log.substr(begin, std::min<std::size_t>(end - begin, 1000)));
    begin = end + 1;
    std::smatch match;
    if (std::regex_search(line, match, entry)) {
      const auto it = kernels.find(match[1]);
      kernel = it == kernels.end() ? nullptr : &it->second;
    }
    if (!kernel) continue;
    if (std::regex_search(line, match, used)) kernel->registers = number(match);
    if (std::regex_search(line, match, shared)) kernel->shared_bytes = number(match);
    if (std::regex_search(line, match, frame)) kernel->spilled_bytes = number(match);
  }
}

}  // namespace burnish::cuda
