// The part of Store that remembers what was measured of devices.
#include "store/store.h"

namespace burnish {

Status Store::add_measurement(const std::string& kind, const std::string& key, const json& body) {
  const std::lock_guard lock(mutex_);
  return database_.run("INSERT INTO measurements(kind, key, created, body) VALUES(?, ?, ?, ?)",
                       {kind, key, now_seconds(), body.dump(-1, ' ', false, json::error_handler_t::replace)});
}

Result<std::optional<json>> Store::measurement(const std::string& kind, const std::string& key) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT body FROM measurements WHERE kind = ? AND key = ? ORDER BY id DESC LIMIT 1",
                           {kind, key}));
  TRY(more, row.step());
  if (!more) return std::nullopt;
  json body = json::parse(row.text(0), nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) return std::nullopt;
  return body;
}

}  // namespace burnish
