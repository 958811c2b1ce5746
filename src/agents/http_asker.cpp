#include "agents/asker.h"
#include "providers/http.h"
#include "providers/models.h"

namespace burnish {
namespace {

class HttpAsker : public Asker {
 public:
  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText& on_text) override {
    const Service* service = find_service(model.service);
    if (!service) return fail("there is no service '" + model.service + "'", model.where, "see `burnish models`");
    TRY(key, key_for(model));
    const std::string url = model.url.empty() ? std::string(service->url) : model.url;
    calls_.start(*service->wire, model, service->wire->request(model, url, key, prompt), on_text);
    while (true)
      if (auto done = calls_.step(std::chrono::milliseconds(200)); !done.empty()) return std::move(done.front().reply);
  }

 private:
  HttpCalls calls_;
};

}  // namespace

std::unique_ptr<Asker> make_http_asker() {
  return std::make_unique<HttpAsker>();
}

std::unique_ptr<Asker> make_asker(const Model& model, double command_s) {
  return model.service == "command" ? make_command_asker(command_s) : make_http_asker();
}

}  // namespace burnish
