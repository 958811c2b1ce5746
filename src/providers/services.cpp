#include "providers/wire.h"

namespace burnish {

const std::vector<Service>& services() {
  static const std::vector<Service> rows = {
      {"anthropic", &anthropic_messages, "https://api.anthropic.com", "ANTHROPIC_API_KEY", "Claude"},
      {"openai", &chat_completions, "https://api.openai.com/v1", "OPENAI_API_KEY", "GPT through Chat Completions"},
      {"openai-responses", &openai_responses, "https://api.openai.com/v1", "OPENAI_API_KEY", "GPT through Responses"},
      {"deepseek", &chat_completions, "https://api.deepseek.com", "DEEPSEEK_API_KEY", "DeepSeek"},
      {"gemini", &gemini_generate, "https://generativelanguage.googleapis.com", "GEMINI_API_KEY", "Gemini"},
      {"openrouter", &chat_completions, "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "many models, one key"},
      {"ollama", &chat_completions, "http://localhost:11434/v1", "", "local server"},
      {"llama.cpp", &chat_completions, "http://localhost:8080/v1", "", "local server"},
      {"vllm", &chat_completions, "http://localhost:8000/v1", "", "local server"},
      {"lmstudio", &chat_completions, "http://localhost:1234/v1", "", "local server"},
  };
  return rows;
}

const Service* find_service(std::string_view name) {
  for (const Service& s : services())
    if (s.name == name) return &s;
  return nullptr;
}

}  // namespace burnish
