#include "report/pages.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace burnish {
namespace {

std::string date_text(double seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(static_cast<std::time_t>(seconds)));
}

std::string draw(const Table& table, Page page, bool colour) {
  switch (page) {
    case Page::terminal:
      return table.terminal(colour);
    case Page::markdown:
      return table.markdown();
    case Page::html:
      break;
  }
  return table.html();
}

std::string heading(const std::string& text, Page page, bool colour) {
  switch (page) {
    case Page::terminal:
      return "\n" + paint(text, Colour::bold, colour) + "\n";
    case Page::markdown:
      return "\n## " + text + "\n\n";
    case Page::html:
      break;
  }
  return "<h2>" + escape_html(text) + "</h2>\n";
}

std::string paragraph(const std::string& text, Page page) {
  return page == Page::html ? "<p>" + escape_html(text) + "</p>\n" : text + "\n";
}

Table problems_table(const std::vector<ProblemView>& views) {
  Table table({"problem", "level", "eager", "winner", "speedup", "99% interval", "verdict"});
  for (const auto& view : views) {
    const auto& p = view.problem;
    const auto& o = p.outcome;
    if (p.state == "excluded") {
      table.add({p.name, p.level, "-", "-", "-", "-", "excluded: " + p.reason}, Colour::yellow);
    } else if (p.state != "done") {
      table.add({p.name, p.level, "-", "-", "-", "-", "not finished"}, Colour::grey);
    } else {
      const auto eager = o.value("eager_seconds", json(nullptr));
      const bool won = o.value("verdict", "") == "accepted";
      std::string winner = o.value("winner", "");
      if (won && o["candidate"].is_string()) winner += "/" + o["candidate"].get<std::string>();
      table.add({p.name, p.level, eager.is_number() ? seconds_text(eager.get<double>()) : "-", winner,
                 speedup_text(o["speedup"]), interval_text(o["interval"]),
                 won ? "accepted" + (o["reason"] == "ok" ? "" : ": " + o["reason"].get<std::string>()) : "original"},
                won ? Colour::green : Colour::none);
    }
  }
  return table;
}

Table figures_table(const char* what, const json& rows) {
  Table table({what, "problems", "correct", "faster", "geomean", "95% interval", "median", "geomean, unfloored"});
  for (const auto& [name, f] : rows.items()) {
    table.add({name, f["problems"].dump(), f["correct"].dump(), f["faster"].dump(), speedup_text(f["geomean"]),
               interval_text(f["geomean_interval"]), speedup_text(f["median"]), speedup_text(f["geomean_unfloored"])});
  }
  return table;
}

constexpr const char* style =
    "<!doctype html><meta charset=\"utf-8\"><title>Burnish</title><style>body{font:15px/1.5 "
    "system-ui,sans-serif;max-width:70em;"
    "margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:1em 0}td,th{border-bottom:1px solid "
    "#ccc;padding:.25em .8em;"
    "text-align:left;font-variant-numeric:tabular-nums}</style>\n";

}  // namespace

std::string speedup_text(const json& value) {
  return value.is_number() ? fmt::format("{:.2f}x", value.get<double>()) : "-";
}

std::string interval_text(const json& interval) {
  if (!interval.is_array() || interval.size() != 2 || !interval[0].is_number() || !interval[1].is_number()) return "-";
  return fmt::format("[{:.2f}, {:.2f}]", interval[0].get<double>(), interval[1].get<double>());
}

std::string verdict_text(const Verdict& verdict) {
  std::string text = to_text(verdict.kind);
  if (verdict.reason != "ok") text += ": " + verdict.reason;
  const auto& detail = verdict.body.contains("detail") ? verdict.body["detail"] : json();
  if (detail.is_object() && detail.contains("what") && detail["what"].is_string()) {
    auto what = detail["what"].get<std::string>();
    if (const auto line = what.find('\n'); line != std::string::npos) what.resize(line);
    text += " (" + what + ")";
  }
  if (verdict.speedup)
    text += " " + speedup_text(verdict.body["speedup"]) + " " + interval_text(verdict.body["interval"]);
  return text;
}

std::string run_page(const RunRecord& run, const std::vector<ProblemView>& views, const json& figures, Page page,
                     bool colour) {
  std::string out;
  if (page == Page::html) out += std::string(style) + "<h1>Burnish: run " + escape_html(run.id) + "</h1>\n";
  if (page == Page::markdown) out += "# Burnish: run " + run.id + "\n\n";
  const auto host = run.host.is_object() ? run.host : json::object();
  out += paragraph(fmt::format("run {} ({}, {}), {}", run.id, run.command, date_text(run.created),
                               host.value("device", std::string("unknown device"))),
                   page);
  out += heading("Problems", page, colour) + draw(problems_table(views), page, colour);
  out += heading("Figures", page, colour);
  out += paragraph(
      fmt::format(
          "{} problems: {} correct, {} faster, {} excluded; speedup over eager, floored at 1: geometric mean {} {}, "
          "median {}; unfloored {}; A/A {}",
          figures["problems"].dump(), figures["correct"].dump(), figures["faster"].dump(), figures["excluded"].size(),
          speedup_text(figures["geomean"]), interval_text(figures["geomean_interval"]), speedup_text(figures["median"]),
          speedup_text(figures["geomean_unfloored"]),
          figures["aa"].is_number() ? fmt::format("{:.3f}", figures["aa"].get<double>()) : "not measured"),
      page);
  if (!figures["agents"].empty())
    out += heading("Agents", page, colour) + draw(figures_table("agent", figures["agents"]), page, colour);
  if (figures["levels"].size() > 1)
    out += heading("Levels", page, colour) + draw(figures_table("level", figures["levels"]), page, colour);
  if (!figures["excluded"].empty()) {
    Table table({"problem", "reason", "what"});
    for (const auto& e : figures["excluded"]) {
      const auto detail = e["detail"].is_object() ? e["detail"].value("what", "") : "";
      table.add({e["problem"], e["reason"], detail.substr(0, 120)});
    }
    out += heading("Excluded", page, colour) + draw(table, page, colour);
  }
  return out;
}

std::string sheets_page(const std::vector<Sheet>& sheets, Page page, bool colour) {
  std::string out;
  for (const auto& sheet : sheets)
    out += heading(sheet.title, page, colour) + paragraph(sheet.note, page) + (page == Page::markdown ? "\n" : "") +
           draw(sheet.table(), page, colour);
  return out;
}

std::string runs_page(const std::vector<RunRecord>& runs, Page page, bool colour) {
  Table table({"run", "started", "command", "state"});
  for (const auto& run : runs) table.add({run.id, date_text(run.created), run.command, run.state});
  return draw(table, page, colour);
}

std::string problem_page(const ProblemView& view, bool colour) {
  const auto& p = view.problem;
  std::string out = paint(p.name, Colour::bold, colour) + fmt::format("  ({}, level {})\n", p.state, p.level);
  if (p.spec.is_object() && p.spec.contains("file") && p.spec["file"].is_string())
    out += "file: " + p.spec["file"].get<std::string>() + "\n";
  if (p.state == "excluded") {
    out += fmt::format("excluded: {}: {}\n", p.reason, p.outcome.is_object() ? p.outcome.value("what", "") : "");
  }
  Table table({"attempt", "name", "form", "search", "final"});
  for (const auto& attempt : view.attempts) {
    const auto cell = [&](const char* stage) {
      const auto* e = view.evaluation(attempt.id, stage);
      return e ? verdict_text(e->verdict) : std::string("-");
    };
    const auto* search = view.evaluation(attempt.id, "search") ? view.evaluation(attempt.id, "search")
                                                               : view.evaluation(attempt.id, "eval");
    const auto colour_of = !search ? Colour::grey : search->verdict.accepted() ? Colour::none : Colour::yellow;
    table.add({fmt::format("{}:{}", attempt.agent, attempt.number), attempt.name, attempt.form,
               view.evaluation(attempt.id, "eval") ? cell("eval") : cell("search"), cell("final")},
              colour_of);
  }
  if (!table.empty()) out += "\n" + table.terminal(colour);
  if (p.state == "done") {
    out += fmt::format("\nwinner: {} {} {}\n", p.outcome.value("winner", "-"),
                       speedup_text(p.outcome.value("speedup", json())),
                       interval_text(p.outcome.value("interval", json())));
  }
  return out;
}

}  // namespace burnish
