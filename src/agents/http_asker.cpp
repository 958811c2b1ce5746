#include "agents/asker.h"
#include "providers/models.h"

namespace burnish {
namespace {

Result<HttpRequest> request_of(const Model& model, const Prompt& prompt, const std::string& key) {
  const Service* service = find_service(model.service);
  if (!service) return fail("there is no service '" + model.service + "'", model.where, "see `burnish models`");
  const std::string url = model.url.empty() ? std::string(service->url) : model.url;
  return service->wire->request(model, url, key, prompt);
}

/// Services and proxies quote requests in their errors: what they send back is kept, so the key must not be in it.
void hide(std::string& text, const std::string& key) {
  if (key.empty()) return;
  for (std::size_t at = 0; (at = text.find(key, at)) != std::string::npos;) text.replace(at, key.size(), "<key>");
}

class HttpAsker : public Asker {
 public:
  explicit HttpAsker(std::shared_ptr<HttpLoop> loop) : loop_(std::move(loop)) {}

  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText& on_text) override {
    TRY(key, key_for(model));
    TRY(request, request_of(model, prompt, key));
    if (!loop_) loop_ = std::make_shared<HttpLoop>();
    auto reply = loop_->call(*find_service(model.service)->wire, model, std::move(request), on_text);
    if (!reply) {
      for (auto* text : {&reply.error().what, &reply.error().where, &reply.error().todo}) hide(*text, key);
    } else {
      hide(reply->text, key);
      hide(reply->raw_stop, key);
    }
    return reply;
  }

 private:
  std::shared_ptr<HttpLoop> loop_;
};

}  // namespace

std::unique_ptr<Asker> make_http_asker(std::shared_ptr<HttpLoop> loop) {
  return std::make_unique<HttpAsker>(std::move(loop));
}

std::unique_ptr<Asker> make_asker(const Model& model, double command_s, std::shared_ptr<HttpLoop> loop) {
  return model.service == "command" ? make_command_asker(command_s) : make_http_asker(std::move(loop));
}

Result<std::string> request_text(const Model& model, const Prompt& prompt) {
  if (model.service == "command") return "stdin of " + model.command + "\n\n" + to_text(prompt);
  const Service* service = find_service(model.service);
  const auto placeholder =
      service && !service->key_variable.empty() ? "<" + std::string(service->key_variable) + ">" : std::string();
  TRY(request, request_of(model, prompt, placeholder));
  std::string text = "POST " + request.url + "\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
  return text + "\n" + request.body + "\n";
}

}  // namespace burnish
