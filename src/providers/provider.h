#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

/// What every language model looks like to the rest of Burnish. A wire format is one file with pure functions over
/// these values; a service is one row (services.cpp); a model is one row of data (models.toml). Only http.cpp knows
/// curl.
namespace burnish {

struct Picture {
  std::string media_type;  ///< "image/png"
  std::string base64;
};

struct Message {
  enum class Role { user, assistant } role = Role::user;
  std::string text;
  std::vector<Picture> pictures;
};

/// The fixed part of a prompt comes first (`system`) and is marked for the service's prompt cache where it has one.
struct Prompt {
  std::string system;
  std::vector<Message> messages;
  std::string purpose = "propose";  ///< for the record, never sent: propose, hints, check
  int attempt = 0;                  ///< likewise: the number of the attempt that this is for
};

/// One row of models.toml.
struct Model {
  std::string name;     ///< what a user writes after --agents
  std::string id;       ///< what the service calls it
  std::string service;  ///< row of services.cpp
  std::int64_t context_tokens = 128'000, output_tokens = 16'000;
  double input_price = 0, cached_price = 0, output_price = 0;  ///< US dollars per million tokens; 0: free or unknown
  bool pictures = false, reasons = false, checked = false;     ///< checked: the row was verified against the service
  bool adaptive = false;     ///< Anthropic: it takes no thinking budget, only an effort
  std::string withdrawn;     ///< the day from which the service refuses it; empty: none is known
  std::string successor;     ///< the row that follows it
  std::string effort;        ///< reasoning effort, where the model reasons: low, medium, high
  std::string url, command;  ///< overrides of the service's; command: the program to run
  std::string where;         ///< file and line that the row came from
};

struct Usage {
  std::int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0, reasoning_tokens = 0;
};

/// Why the model stopped. A `refused` or `truncated` answer is still an answer: the agent says so in its next attempt.
enum class Stop { end, truncated, refused, tool_call, unknown };

struct Reply {
  std::string text;
  Usage usage;
  Stop stop = Stop::unknown;
  std::string raw_stop;   ///< the service's own word
  bool replayed = false;  ///< from a cassette: nothing was paid now
};

/// Cost in US dollars by the model's prices; cached input tokens are part of input_tokens.
double cost(const Model& model, const Usage& usage);

}  // namespace burnish
