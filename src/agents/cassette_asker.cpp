#include "agents/asker.h"
#include "base/files.h"
#include "base/gzip.h"
#include "base/hash.h"
#include "base/json.h"

namespace burnish {
namespace {

constexpr const char* packed_suffix = ".gz";

json to_json(const Reply& r) {
  return {{"text", r.text},
          {"stop", static_cast<int>(r.stop)},
          {"raw_stop", r.raw_stop},
          {"usage", {r.usage.input_tokens, r.usage.cached_tokens, r.usage.output_tokens, r.usage.reasoning_tokens}}};
}

Result<Reply> read_reply(const std::filesystem::path& file) {
  TRY(bytes, read_file(file));
  std::string text = std::move(bytes);
  if (file.extension() == packed_suffix) {
    auto unpacked = gunzip(text);
    if (!unpacked) return inside(file.string(), unpacked.error());
    text = std::move(*unpacked);
  }
  const json body = json::parse(text, nullptr, false);
  try {
    const json& r = body.at("reply");
    const json& u = r.at("usage");
    return Reply{r.at("text"),
                 {u.at(0), u.at(1), u.at(2), u.at(3)},
                 static_cast<Stop>(r.at("stop").get<int>()),
                 r.at("raw_stop")};
  } catch (const json::exception& e) {
    return fail(std::string("a recorded exchange cannot be read: ") + e.what(), file.string(),
                "delete the file and record it again");
  }
}

class CassetteAsker : public Asker {
 public:
  CassetteAsker(std::filesystem::path folder, std::unique_ptr<Asker> inner)
      : folder_(std::move(folder)), inner_(std::move(inner)) {}

  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText& on_text) override {
    const std::string text = to_text(prompt);
    const auto file =
        folder_ / (file_name(model.name, ".-_", 60) + "-" + hash_hex(model.name + "\n" + text).substr(0, 16) + ".json");
    const std::filesystem::path packed = file.string() + packed_suffix;
    for (const auto& known : {packed, file}) {  // whole files are tapes of before, or somebody's own
      if (!std::filesystem::exists(known)) continue;
      auto reply = read_reply(known);
      if (reply) reply->replayed = true;
      if (reply && on_text) on_text(reply->text);
      return reply;
    }
    if (!inner_)
      return fail("the cassette lacks this call to " + model.name, file.string(),
                  "record it with --record, or replay the run that was recorded");
    TRY(reply, inner_->ask(model, prompt, on_text));
    const json exchange = {{"model", model.name}, {"prompt", text}, {"reply", to_json(reply)}};
    const std::string body = exchange.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
    TRY(smaller, gzip(body));
    if (auto ok = write_file(packed, smaller); !ok) return inside("record", ok.error());
    return reply;
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<Asker> inner_;
};

}  // namespace

std::unique_ptr<Asker> make_cassette_asker(std::filesystem::path folder, std::unique_ptr<Asker> inner) {
  return std::make_unique<CassetteAsker>(std::move(folder), std::move(inner));
}

}  // namespace burnish
