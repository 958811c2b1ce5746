#include "targets/cpu/objects.h"

#include <elf.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <unordered_set>

#include "targets/cpu/allowed_symbols.h"

namespace burnish::cpu {
namespace {

std::unexpected<Error> refuse(std::string what, std::string where, std::string todo) {
  return fail(std::move(what), std::move(where), std::move(todo), "object");
}

const char* forbidden_tag(GElf_Sxword tag) {
  switch (tag) {
    case DT_INIT:
    case DT_INIT_ARRAY:
    case DT_PREINIT_ARRAY:
      return "a constructor (code that runs when the object is loaded)";
    case DT_FINI:
    case DT_FINI_ARRAY:
      return "a destructor (code that runs when the object is unloaded)";
    case DT_RPATH:
    case DT_RUNPATH:
      return "a library search path";
    case DT_TEXTREL:
      return "relocations in its code (writable code)";
    case DT_AUDIT:
    case DT_DEPAUDIT:
    case DT_FILTER:
    case DT_AUXILIARY:
    case DT_CONFIG:
      return "an audit or filter library";
    default:
      return nullptr;
  }
}

bool needed_allowed(std::string_view library, bool sanitized) {
  for (const char* stem : {"libm.so", "libmvec.so", "libc.so", "libstdc++.so", "libgcc_s.so", "ld-linux"})
    if (library.starts_with(stem)) return true;
  return sanitized && (library.starts_with("libasan.so") || library.starts_with("libubsan.so"));
}

Status check_dynamic(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, const ObjectRules& rules) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (!data || header.sh_entsize == 0) return refuse("the object's dynamic section cannot be read", "object", "");
  for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Dyn dyn;
    if (!gelf_getdyn(data, static_cast<int>(i), &dyn)) break;
    const bool constructor =
        dyn.d_tag == DT_INIT || dyn.d_tag == DT_INIT_ARRAY || dyn.d_tag == DT_FINI || dyn.d_tag == DT_FINI_ARRAY;
    if (rules.sanitized && constructor) continue;
    if (const char* what = forbidden_tag(dyn.d_tag))
      return refuse(fmt::format("the compiled object has {}", what), "object",
                    "no global objects with constructors, no __attribute__((constructor)): initialise in the kernel");
    if (dyn.d_tag == DT_NEEDED) {
      const char* name = elf_strptr(elf, header.sh_link, dyn.d_un.d_val);
      if (!name || !needed_allowed(name, rules.sanitized))
        return refuse(fmt::format("the compiled object needs the library {}", name ? name : "?"), "object",
                      "kernels may use the C and mathematics libraries only");
    }
  }
  return {};
}

Status check_symbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, const ObjectRules& rules,
                     std::set<std::string>& defined) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (!data || header.sh_entsize == 0) return refuse("the object's symbols cannot be read", "object", "");
  std::vector<std::string> refused;
  for (std::size_t i = 1; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Sym symbol;
    if (!gelf_getsym(data, static_cast<int>(i), &symbol)) break;
    const char* text = elf_strptr(elf, header.sh_link, symbol.st_name);
    const std::string name = text ? text : "";
    if (GELF_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
      return refuse("the compiled object has a function that is chosen by running code at load (IFUNC)", name,
                    "remove the ifunc attribute");
    if (symbol.st_shndx != SHN_UNDEF) {
      defined.insert(name);
      continue;
    }
    if (GELF_ST_BIND(symbol.st_info) == STB_WEAK && symbol_is_optional(name)) continue;
    if (std::ranges::any_of(rules.engine, [&](const std::string& prefix) { return name.starts_with(prefix); }))
      continue;
    if (!symbol_is_allowed(name, rules.sanitized)) refused.push_back(name);
  }
  if (refused.empty()) return {};
  // std::vector brings its errors along: name the allocation, which is what the author wrote.
  const auto allocation = std::ranges::find_if(
      refused, [](const std::string& n) { return n.starts_with("_Znw") || n.starts_with("_Zna"); });
  const auto& name = allocation != refused.end() ? *allocation : refused.front();
  return refuse(fmt::format("the kernel calls {}, which kernels may not call", readable_symbol(name)), name,
                advice_for_symbol(name));
}

/// Data among the code: objdump -d prints what a symbol calls an object as bytes, so instructions could hide there.
Status check_code_is_code(Elf* elf, Elf_Scn* section, const GElf_Shdr& header) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (!data || header.sh_entsize == 0) return refuse("the object's symbols cannot be read", "object", "");
  for (std::size_t i = 1; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Sym symbol;
    GElf_Shdr home;
    if (!gelf_getsym(data, static_cast<int>(i), &symbol)) break;
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE) continue;
    Elf_Scn* where = elf_getscn(elf, symbol.st_shndx);
    if (!where || !gelf_getshdr(where, &home) || !(home.sh_flags & SHF_EXECINSTR)) continue;
    const auto type = GELF_ST_TYPE(symbol.st_info);
    if (type == STT_FUNC || type == STT_NOTYPE || type == STT_SECTION) continue;
    const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
    return refuse("the compiled object has data among its code", name ? name : "object",
                  "no custom section attributes");
  }
  return {};
}

/// A kernel is a function of its arguments. What it could write and find again in its next call would let it answer
/// from memory: by address, by value, by count, right until nobody looks any more.
Status check_stateless(Elf* elf, const GElf_Shdr& header, std::size_t names) {
  if (!(header.sh_flags & SHF_ALLOC) || !(header.sh_flags & SHF_WRITE) || header.sh_size == 0) return {};
  const char* name = elf_strptr(elf, names, header.sh_name);
  const std::string_view word = name ? name : "?";
  for (const char* sealed : {".dynamic", ".got", ".got.plt", ".data.rel.ro", ".data.rel.ro.local", ".relro_padding"})
    if (word == sealed) return {};  // written by the loader, then read-only (-z relro -z now)
  return refuse(
      fmt::format("the kernels keep {} bytes that they could write in one call and read in the next", header.sh_size),
      fmt::format("object, section {}", word),
      "no static, global or thread_local variables unless they are const: use locals, or a tensor made by "
      "\"empty\"");
}

Status check_relocations(Elf_Scn* section, const GElf_Shdr& header) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (!data || header.sh_entsize == 0) return refuse("the object's relocations cannot be read", "object", "");
  for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Rela rela;
    if (!gelf_getrela(data, static_cast<int>(i), &rela)) break;
    switch (GELF_R_TYPE(rela.r_info)) {
      case R_X86_64_IRELATIVE:
        return refuse("the compiled object runs code to resolve a symbol (IRELATIVE)", "object",
                      "remove ifunc and target_clones attributes");
      case R_X86_64_COPY:
        return refuse("the compiled object has a copy relocation", "object", "do not use other libraries' variables");
      default:
        break;
    }
  }
  return {};
}

Status check_elf(std::string_view object, const ObjectRules& rules) {
  elf_version(EV_CURRENT);
  std::string copy(object);  // libelf wants memory that it may write
  const std::unique_ptr<Elf, decltype(&elf_end)> elf(elf_memory(copy.data(), copy.size()), &elf_end);
  GElf_Ehdr ehdr;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || !gelf_getehdr(elf.get(), &ehdr) || ehdr.e_type != ET_DYN)
    return refuse("the compiled file is not a shared object", "object", "");
  std::size_t segments = 0;
  elf_getphdrnum(elf.get(), &segments);
  bool stack_seen = false;
  for (std::size_t i = 0; i < segments; ++i) {
    GElf_Phdr segment;
    if (!gelf_getphdr(elf.get(), static_cast<int>(i), &segment)) break;
    stack_seen |= segment.p_type == PT_GNU_STACK;
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) && (segment.p_flags & PF_W))
      return refuse("the compiled object has a segment that is both writable and executable", "object",
                    "no custom section attributes");
    if (segment.p_type == PT_GNU_STACK && (segment.p_flags & PF_X))
      return refuse("the compiled object asks for an executable stack", "object",
                    "no nested functions, no .note.GNU-stack in assembly");
    if (segment.p_type == PT_INTERP) return refuse("the compiled object names an interpreter", "object", "");
  }
  if (!stack_seen) return refuse("the compiled object does not say that its stack is not executable", "object", "");
  std::set<std::string> defined;
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf.get(), &names) != 0) return refuse("the object's sections have no names", "object", "");
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header)) continue;
    Status ok{};
    if (header.sh_type == SHT_DYNAMIC) ok = check_dynamic(elf.get(), section, header, rules);
    if (header.sh_type == SHT_DYNSYM) ok = check_symbols(elf.get(), section, header, rules, defined);
    if (header.sh_type == SHT_RELA) ok = check_relocations(section, header);
    if (header.sh_type == SHT_REL) ok = refuse("the compiled object has unexpected relocations", "object", "");
    if (ok && (header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB))
      ok = check_code_is_code(elf.get(), section, header);
    if (!ok) return ok;
  }
  for (Elf_Scn* section = nullptr;
       !rules.sanitized && !rules.writable_data && (section = elf_nextscn(elf.get(), section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header)) continue;
    if (auto ok = check_stateless(elf.get(), header, names); !ok) return ok;
  }
  for (const auto& name : rules.kernels)
    for (const char* prefix : {"burnish_entry_", "burnish_signature_"})
      if (!defined.contains(prefix + name))
        return refuse("the compiled object lacks the kernel", prefix + name, "define it as extern \"C\"");
  return {};
}

/// Instructions that speak to the kernel, to devices or to the processor's control state.
const std::unordered_set<std::string_view> forbidden_instructions = {
    "syscall", "sysenter", "sysexit", "sysret", "sysretq", "sysexitq", "int", "int1", "icebp", "into", "iret", "iretd",
    "iretq", "in", "out", "ins", "outs", "hlt", "cli", "sti", "wrfsbase", "wrgsbase", "rdfsbase", "rdgsbase", "swapgs",
    "wrpkru", "rdpkru", "wrmsr", "rdmsr", "vmcall", "vmmcall", "vmlaunch", "lcall", "ljmp", "retf", "retfq", "lgdt",
    "lidt", "lldt", "ltr", "monitor", "mwait", "monitorx", "mwaitx", "umwait", "tpause", "enclu", "encls", "senduipi",
    "xbegin", "xend", "clui", "stui", "uiret", "FWORD", "(bad)", ".byte",  // and clocks and chance: a kernel
                                                                           // is a function of its arguments
    "rdtsc", "rdtscp", "rdpmc", "rdrand", "rdseed", "rdpid", "cpuid"};

std::uint64_t hexadecimal(std::string_view text, bool& whole) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return value;
}

/// Reads objdump's lines "  1020:\tpush   r15".
Status check_instructions(std::string_view disassembly) {
  std::unordered_set<std::uint64_t> starts;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> jumps;
  while (!disassembly.empty()) {
    const auto newline = std::min(disassembly.find('\n'), disassembly.size());
    std::string_view line = disassembly.substr(0, newline);
    disassembly.remove_prefix(std::min(newline + 1, disassembly.size()));
    const auto colon = line.find(":\t");
    if (colon == std::string_view::npos) continue;
    bool whole = false;
    std::string_view place = line.substr(0, colon);
    place.remove_prefix(std::min(place.find_first_not_of(' '), place.size()));
    const auto address = hexadecimal(place, whole);
    if (!whole) continue;
    starts.insert(address);
    std::string_view text = line.substr(colon + 2);
    text = text.substr(0, text.find_first_of("#<"));
    bool branch = false;
    while (!text.empty()) {
      const auto space = std::min(text.find_first_of(" \t,"), text.size());
      const auto word = text.substr(0, space);
      text.remove_prefix(std::min(space + 1, text.size()));
      if (word.empty()) continue;
      if (forbidden_instructions.contains(word))
        return refuse(fmt::format("the kernel's code holds the instruction {}", word),
                      fmt::format("object, address 0x{:x}", address), "kernels compute; they do not call the system");
      if (branch) {
        bool direct = false;
        const auto target = hexadecimal(word, direct);
        if (direct) jumps.emplace_back(address, target);
        branch = false;
      }
      branch |= word.starts_with('j') || word == "call" || word.starts_with("loop");
    }
  }
  for (const auto& [from, to] : jumps)
    if (!starts.contains(to))
      return refuse("the kernel's code jumps into the middle of an instruction",
                    fmt::format("object, 0x{:x} to 0x{:x}", from, to), "write the kernel without such assembly");
  return {};
}

}  // namespace

Status check_object(std::string_view object, std::string_view disassembly, const ObjectRules& rules) {
  if (auto ok = check_elf(object, rules); !ok) return ok;
  return check_instructions(disassembly);
}

}  // namespace burnish::cpu
