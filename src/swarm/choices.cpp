#include "swarm/choices.h"

namespace burnish {

json to_json(const Choices& c) {
  json options = {{"agents", c.agents}, {"attempts", c.attempts}};
  if (c.reference) options["reference"] = {{"name", c.reference->name}, {"text", c.reference->text}};
  return options;
}

Result<Choices> choices_of(const json& options) try {
  Choices c;
  c.agents = options.at("agents").get<std::vector<std::string>>();
  c.attempts = options.at("attempts");
  if (options.contains("reference"))
    c.reference = Reference{options["reference"].at("name"), options["reference"].at("text")};
  return c;
} catch (const json::exception& error) {
  return fail(std::string("the run's options cannot be read: ") + error.what(), "store", "start a new run");
}

}  // namespace burnish
