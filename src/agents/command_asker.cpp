#include "agents/asker.h"
#include "base/process.h"

namespace burnish {
namespace {

class CommandAsker : public Asker {
 public:
  explicit CommandAsker(double timeout_s) : timeout_s_(timeout_s) {}

  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText& on_text) override {
    RunOptions options;
    options.argv = {"/bin/sh", "-c", model.command};
    options.input = to_text(prompt);
    options.timeout_s = timeout_s_;
    options.max_output_bytes = 32u << 20;
    TRY(finished, run(std::move(options)));
    if (!succeeded(finished.exit))
      return fail("the command ended with " + describe(finished.exit) + ": " + finished.err.substr(0, 300),
                  "command " + model.command, "run it by hand with a prompt on stdin");
    if (on_text) on_text(finished.out);
    Reply reply;
    reply.text = std::move(finished.out);
    reply.stop = finished.truncated ? Stop::truncated : Stop::end;
    return reply;
  }

 private:
  double timeout_s_;
};

}  // namespace

std::unique_ptr<Asker> make_command_asker(double timeout_s) {
  return std::make_unique<CommandAsker>(timeout_s);
}

std::string to_text(const Prompt& prompt) {
  std::string text = prompt.system;
  for (const Message& m : prompt.messages)
    text +=
        (m.role == Message::Role::user ? "\n\n===== user =====\n" : "\n\n===== your earlier answer =====\n") + m.text;
  return text + "\n";
}

}  // namespace burnish
