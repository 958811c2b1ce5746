#include "base/sandbox.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace burnish {
namespace {

struct Sandbox : testing::Test {
  SandboxOptions options;
  fs::path outer = fs::temp_directory_path() / ("burnish-sandbox-test-" + std::to_string(getpid()));
  fs::path folder = outer / "inner";

  void SetUp() override {
    // As with a Python under /root: what is shown lies in a folder that others may not enter.
    fs::create_directories(folder);
    fs::permissions(outer, fs::perms::owner_all);
    std::ofstream(folder / "note") << "for you";
  }
  void TearDown() override { fs::remove_all(outer); }

  Finished shell(const std::string& script, double timeout_s = 20) {
    options.argv = {"/bin/sh", "-c", script};
    auto confined = confine(options);
    if (!confined) throw std::runtime_error(to_text(confined.error()));
    RunOptions o;
    static_cast<SpawnOptions&>(o) = confined->spawn;
    o.timeout_s = timeout_s;
    auto finished = run(o);
    if (!finished) throw std::runtime_error(to_text(finished.error()));
    return *finished;
  }
};

TEST_F(Sandbox, WorksHere) {
  const auto works = try_sandbox();
  EXPECT_TRUE(works.has_value()) << to_text(works.error());
}

TEST_F(Sandbox, RunsAsNobodyWithAClearEnvironment) {
  setenv("BURNISH_TEST_SECRET", "s3cret", 1);
  const auto r = shell("id -u; env");
  EXPECT_TRUE(succeeded(r.exit)) << r.err;
  EXPECT_FALSE(r.out.starts_with("0\n")) << r.out;
  EXPECT_EQ(r.out.find("s3cret"), std::string::npos);
}

TEST_F(Sandbox, ItsOwnFirstProcessKnowsNoVariablesOfOurs) {
  setenv("BURNISH_TEST_SECRET", "s3cret", 1);
  const auto r = shell("cat /proc/*/environ | tr '\\000' '\\n'");
  EXPECT_NE(r.out.find("USER=burnish"), std::string::npos) << r.err;  // one's own can be read
  EXPECT_EQ(r.out.find("s3cret"), std::string::npos);
}

TEST_F(Sandbox, ShowsOnlyWhatIsNamed) {
  auto r = shell("cat " + (folder / "note").string());
  EXPECT_FALSE(succeeded(r.exit));
  options.readable = {folder};
  r = shell("cat " + (folder / "note").string());
  EXPECT_EQ(r.out, "for you") << r.err;
  r = shell("echo x > " + (folder / "note").string());
  EXPECT_FALSE(succeeded(r.exit));
  r = shell("ls /root /home /etc/passwd /var");
  EXPECT_FALSE(succeeded(r.exit));
  EXPECT_EQ(r.out, "");
}

TEST_F(Sandbox, ASymlinkIsShownUnderItsOwnName) {
  fs::create_symlink(folder / "note", folder / "link");
  options.readable = {folder / "link"};
  EXPECT_EQ(shell("cat " + (folder / "link").string()).out, "for you");
}

TEST_F(Sandbox, MakesTheFilesThatItIsGiven) {
  options.files = {{"/src/kernel.cpp", "text"}};
  EXPECT_EQ(shell("cat /src/kernel.cpp").out, "text");
  EXPECT_FALSE(succeeded(shell("echo x > /src/kernel.cpp").exit));
}

TEST_F(Sandbox, OnlyTmpCanBeWrittenAndItIsSmall) {
  options.tmp_bytes = 1 << 20;
  for (const std::string place : {"/", "/dev/", "/dev/shm/", "/src/", "/proc/", "/usr/"})
    EXPECT_FALSE(succeeded(shell("echo x > " + place + "file").exit)) << place;
  const auto r = shell("head -c 5000000 /dev/zero > /tmp/big; stat -c %s /tmp/big");
  EXPECT_EQ(r.out, "1048576\n");
  EXPECT_NE(r.err.find("No space left"), std::string::npos);
}

TEST_F(Sandbox, SeesNoOtherProcess) {
  const auto r = shell("ls -d /proc/[0-9]* | wc -l; kill -9 " + std::to_string(getpid()));
  EXPECT_LE(std::stoi(r.out), 5);
  EXPECT_NE(r.err, "");
}

TEST_F(Sandbox, HasNoNetworkAndNoNamespaces) {
  options.readable = {};
  EXPECT_FALSE(succeeded(shell("unshare -r true").exit));
  const auto r = shell("cat /proc/net/dev | tail -n +3 | cut -d: -f1");
  EXPECT_EQ(r.out.find("eth"), std::string::npos);
  if (access("/usr/bin/perl", X_OK) == 0) {
    const auto socket = shell("perl -e 'socket(S, 2, 1, 0) or die \"no socket: $!\"'");
    EXPECT_NE(socket.err.find("no socket: Operation not permitted"), std::string::npos) << socket.err;
  }
}

TEST_F(Sandbox, AForkBombStaysSmallAndLeavesNothing) {
  if (geteuid() != 0)
    GTEST_SKIP() << "RLIMIT_NPROC of an ordinary user counts all that the user runs; workers set it inside";
  options.limits.processes = 40;
  // Each process runs `sleep 98765.PID` so that survivors could be seen.
  const auto mark = "98765." + std::to_string(getpid());
  const auto r = shell("b() { b | b & sleep " + mark + "; }; b; sleep 100", 1.0);
  EXPECT_TRUE(std::holds_alternative<TimedOut>(r.exit) || !succeeded(r.exit));
  RunOptions look;
  look.argv = {"sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '[s]leep " + mark + "'"};
  std::string left;
  for (int i = 0; i < 100 && left != "0\n"; ++i) {
    left = run(look)->out;
    usleep(20'000);
  }
  EXPECT_EQ(left, "0\n");
}

TEST_F(Sandbox, MemoryIsLimited) {
  options.limits.data_bytes = 100 << 20;
  const auto r = shell("head -c 300000000 /dev/zero | tail -c 300000000 | wc -c");
  EXPECT_EQ(r.out, "0\n");
  EXPECT_NE(r.err.find("memory"), std::string::npos) << r.err;
}

TEST_F(Sandbox, IsTheFirstToGoWhereMemoryRunsOut) {
  EXPECT_EQ(shell("cat /proc/self/oom_score_adj").out, "1000\n");
}

TEST_F(Sandbox, EndlessLoopsEndByTheClockAndByCpuTime) {
  auto r = shell("while :; do :; done", 0.5);
  EXPECT_TRUE(std::holds_alternative<TimedOut>(r.exit));
  options.limits.cpu_seconds = 1;
  r = shell("while :; do :; done", 20);
  EXPECT_FALSE(succeeded(r.exit));
  EXPECT_LT(r.seconds, 10);
}

TEST_F(Sandbox, SaysSoWhenBubblewrapIsMissing) {
  const std::string path = getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  options.argv = {"/bin/true"};
  const auto r = confine(options);
  setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(r.has_value());
  EXPECT_EQ(r.error().reason, "environment");
  EXPECT_NE(to_text(r.error()).find("--no-sandbox"), std::string::npos);
}

TEST_F(Sandbox, SaysSoWhenRootsFileIsClosedToOthers) {
  if (geteuid() != 0) GTEST_SKIP() << "only root drops to another user";
  options.argv = {"/bin/true"};
  options.readable = {outer};
  const auto r = confine(options);
  ASSERT_FALSE(r.has_value());
  EXPECT_NE(to_text(r.error()).find("chmod"), std::string::npos);
}

TEST_F(Sandbox, NamesAPathThatDoesNotExist) {
  options.argv = {"/bin/true"};
  options.readable = {"/no/such/folder"};
  const auto r = confine(options);
  ASSERT_FALSE(r.has_value());
  EXPECT_EQ(r.error().where, "/no/such/folder");
}

}  // namespace
}  // namespace burnish
