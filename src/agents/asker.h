#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "providers/http_loop.h"
#include "providers/provider.h"

namespace burnish {

/// Asks a model one prompt and waits for the answer. The seam between agents and everything that can answer: a service
/// over HTTP, a program, a recorded exchange.
/// `reason` of the Error of an asker that makes no more calls in this run: its budget is spent.
inline constexpr const char* stopped_reason = "budget";

class Asker {
 public:
  using OnText = std::function<void(std::string_view piece)>;
  virtual ~Asker() = default;
  virtual Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText& on_text) = 0;
};

/// What asks this model: a program for the service "command" (ended after `command_s`), HTTP for all others.
std::unique_ptr<Asker> make_asker(const Model& model, double command_s = 600, std::shared_ptr<HttpLoop> loop = {});

/// Over HTTP to the model's service, through `loop` (its own where there is none); the key is read when a question is
/// asked.
std::unique_ptr<Asker> make_http_asker(std::shared_ptr<HttpLoop> loop = {});

/// What asking would send, whole: address, headers and body, the key's variable in the place of the key; for a program
/// its stdin.
Result<std::string> request_text(const Model& model, const Prompt& prompt);

/// Runs the model's `command` with the prompt as text on stdin; its stdout is the answer. Ends it after `timeout_s`.
std::unique_ptr<Asker> make_command_asker(double timeout_s = 600);

/// Answers from `folder` what was recorded there; with `inner`, asks it what is missing and records the answer. One
/// file an exchange, named by the hash of model and prompt; keys are never part of it.
std::unique_ptr<Asker> make_cassette_asker(std::filesystem::path folder, std::unique_ptr<Asker> inner);

/// The prompt as one text, for programs and for files that a person answers.
std::string to_text(const Prompt& prompt);

}  // namespace burnish
