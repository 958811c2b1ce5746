#include "base/verdict.h"

#include <array>

namespace burnish {
namespace {

constexpr std::array<const char*, 12> keys = {"verdict",  "reason", "detail",     "speedup", "interval", "flat",
                                              "contract", "error",  "peak_bytes", "seconds", "inputs",   "notes"};

/// The keys of the contract first and in order, null where the judge sent none; then whatever else it sent.
json complete(const json& reply) {
  json body = json::object();
  for (const char* key : keys) body[key] = reply.contains(key) ? reply[key] : json(nullptr);
  for (const auto& [key, value] : reply.items())
    if (!body.contains(key) && key != "samples") body[key] = value;
  return body;
}

}  // namespace

std::string to_text(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::accepted:
      return "accepted";
    case Verdict::Kind::refused:
      return "refused";
    case Verdict::Kind::error:
      break;
  }
  return "error";
}

std::optional<double> Verdict::estimated_speedup() const {
  const auto estimate = body.is_object() ? body.find("estimate") : body.end();
  if (estimate == body.end() || !estimate->is_object()) return std::nullopt;
  const auto found = estimate->find("speedup");
  return found != estimate->end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

Result<Verdict> parse_verdict(json reply) {
  const auto bad = [](std::string what) {
    return fail(std::move(what), "verdict",
                "the judge and this burnish are of different versions: run `burnish doctor`", "environment");
  };
  if (!reply.is_object()) return bad("the judge's verdict is not an object");
  Verdict verdict;
  verdict.body = complete(reply);
  if (reply.contains("samples")) verdict.samples = std::move(reply["samples"]);
  const json& kind = verdict.body["verdict"];
  if (kind == "accepted") {
    verdict.kind = Verdict::Kind::accepted;
  } else if (kind == "refused") {
    verdict.kind = Verdict::Kind::refused;
  } else if (kind != "error") {
    return bad("the judge's verdict is " + kind.dump());
  }
  if (!verdict.body["reason"].is_string()) return bad("the judge's verdict has no reason");
  verdict.reason = verdict.body["reason"];
  const json& speedup = verdict.body["speedup"];
  const json& interval = verdict.body["interval"];
  if (speedup.is_number()) verdict.speedup = speedup.get<double>();
  if (interval.is_array()) {
    if (interval.size() != 2 || !interval[0].is_number() || !interval[1].is_number()) {
      return bad("the judge's interval is " + interval.dump());
    }
    verdict.interval.emplace(interval[0].get<double>(), interval[1].get<double>());
  }
  return verdict;
}

Verdict make_verdict(Verdict::Kind kind, const Error& error) {
  Verdict verdict;
  verdict.kind = kind;
  verdict.reason = error.reason.empty() ? "environment" : error.reason;
  verdict.body = complete({{"verdict", to_text(kind)},
                           {"reason", verdict.reason},
                           {"detail", {{"what", error.what}, {"where", error.where}, {"todo", error.todo}}}});
  return verdict;
}

}  // namespace burnish
