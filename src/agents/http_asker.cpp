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

class HttpAsker : public Asker {
 public:
  explicit HttpAsker(std::shared_ptr<HttpLoop> loop) : loop_(std::move(loop)) {}

  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText& on_text) override {
    TRY(key, key_for(model));
    TRY(request, request_of(model, prompt, key));
    if (!loop_) loop_ = std::make_shared<HttpLoop>();
    return loop_->call(*find_service(model.service)->wire, model, std::move(request), on_text);
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
