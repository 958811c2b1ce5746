#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace burnish {
namespace {

RunOptions shell(std::string script) {
  RunOptions o;
  o.argv = {"sh", "-c", std::move(script)};
  o.timeout_s = 20;
  return o;
}

TEST(Process, CollectsBothOutputsAndTheStatus) {
  const auto r = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->out, "out\n");
  EXPECT_EQ(r->err, "err\n");
  EXPECT_EQ(std::get<Exited>(r->exit).code, 3);
  EXPECT_FALSE(succeeded(r->exit));
}

TEST(Process, GivesInputOnStdin) {
  auto o = shell("wc -c");
  o.input = std::string(300'000, 'x');
  const auto r = run(o);
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->out, "300000\n");
}

TEST(Process, SurvivesAChildThatDoesNotReadItsInput) {
  auto o = shell("exec true");
  o.input = std::string(5'000'000, 'x');
  const auto r = run(o);
  ASSERT_TRUE(r.has_value());
  EXPECT_TRUE(succeeded(r->exit));
}

TEST(Process, CapsOutputAndSaysSo) {
  auto o = shell("head -c 50000000 /dev/zero");
  o.max_output_bytes = 1000;
  const auto r = run(o);
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->out.size(), 1000u);
  EXPECT_TRUE(r->truncated);
  EXPECT_TRUE(succeeded(r->exit));
}

TEST(Process, KillsTheGroupAtItsTimeout) {
  auto o = shell("sleep 100 & echo $!; wait");
  o.timeout_s = 0.3;
  const auto r = run(o);
  ASSERT_TRUE(r.has_value());
  EXPECT_TRUE(std::holds_alternative<TimedOut>(r->exit));
  EXPECT_LT(r->seconds, 5);
  const pid_t sleeper = std::stoi(r->out);
  for (int i = 0; i < 200 && kill(sleeper, 0) == 0; ++i) usleep(10'000);
  EXPECT_NE(kill(sleeper, 0), 0);
}

TEST(Process, EndsWithItsLeaderAndKillsWhatTheLeaderLeft) {
  const auto r = run(shell("sleep 100 & echo started"));
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->out, "started\n");
  EXPECT_LT(r->seconds, 10);
}

TEST(Process, TellsSignalsFromMemory) {
  const auto segv = run(shell("kill -SEGV $$"));
  EXPECT_EQ(std::get<Signalled>(segv->exit).signal, SIGSEGV);
  const auto killed = run(shell("kill -KILL $$"));
  EXPECT_TRUE(std::holds_alternative<OutOfMemory>(killed->exit));
}

TEST(Process, NamesAProgramThatIsNotThere) {
  RunOptions o;
  o.argv = {"no-such-program-here"};
  const auto r = run(o);
  ASSERT_FALSE(r.has_value());
  EXPECT_EQ(r.error().where, "no-such-program-here");
  EXPECT_NE(r.error().what.find("No such file"), std::string::npos);
}

TEST(Process, PassesNamedDescriptorsAndClosesAllOthers) {
  auto pair = make_pipe();
  ASSERT_TRUE(pair.has_value());
  const int leaked = dup(pair->write.get());  // not close-on-exec, on purpose
  auto o = shell("echo seen >&7; ls /proc/self/fd | tr '\\n' ' '");
  std::string seen;
  o.capture = {{7, &seen}};
  const auto r = run(o);
  close(leaked);
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(seen, "seen\n");
  EXPECT_EQ(r->out, "0 1 2 3 7 ");  // 3 is ls reading the folder
}

TEST(Process, KeepsLimits) {
  auto o = shell("head -c 100000 /dev/zero > big; stat -c %s big");
  o.directory = "/tmp";
  o.limits.file_bytes = 4096;
  const auto r = run(o);
  ASSERT_TRUE(r.has_value());
  EXPECT_EQ(r->out, "4096\n");
  unlink("/tmp/big");
}

TEST(Process, IsReapedWhenForgotten) {
  pid_t pid = 0;
  {
    SpawnOptions o;
    o.argv = {"sleep", "100"};
    auto p = spawn(o);
    ASSERT_TRUE(p.has_value());
    pid = p->pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_NE(kill(pid, 0), 0);
}

TEST(PollLoop, CallbacksMayRemoveEachOther) {
  auto a = make_pipe(), b = make_pipe();
  PollLoop loop;
  int calls = 0;
  loop.add(a->read.get(), 1, [&](short) {
    ++calls;
    loop.remove(b->read.get());
  });
  loop.add(b->read.get(), 1, [&](short) {
    ++calls;
    loop.remove(a->read.get());
  });
  EXPECT_FALSE(loop.step(0));
  ASSERT_EQ(write(a->write.get(), "x", 1), 1);
  ASSERT_EQ(write(b->write.get(), "x", 1), 1);
  EXPECT_TRUE(loop.step(1));
  EXPECT_EQ(calls, 1);
}

TEST(Process, AdoptsWhatAnotherProcessStarted) {
  auto child = spawn({.argv = {"sleep", "60"}});
  ASSERT_TRUE(child.has_value());
  auto line = make_socketpair();
  ASSERT_TRUE(line.has_value());
  auto adopted = Process::adopt(child->pid(), std::move(line->first));
  EXPECT_FALSE(adopted.poll().has_value());
  adopted.kill();
  EXPECT_TRUE(std::holds_alternative<OutOfMemory>(child->wait())) << "killed, and not by this object";
  const int status = 7 << 8;  // as waitpid gives exit status 7
  ASSERT_EQ(write(line->second.get(), &status, sizeof status), static_cast<ssize_t>(sizeof status));
  EXPECT_EQ(std::get<Exited>(adopted.wait()).code, 7);
}

TEST(Process, AnAdoptedOneWhoseParentDiedIsTakenAsKilled) {
  auto child = spawn({.argv = {"sleep", "60"}});
  ASSERT_TRUE(child.has_value());
  auto line = make_socketpair();
  ASSERT_TRUE(line.has_value());
  auto adopted = Process::adopt(child->pid(), std::move(line->first));
  line->second.reset();
  EXPECT_TRUE(std::holds_alternative<OutOfMemory>(adopted.wait()));
}

}  // namespace
}  // namespace burnish
