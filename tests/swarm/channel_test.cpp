#include "swarm/channel.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace burnish {
namespace {

class Channel : public ::testing::Test {
 protected:
  void SetUp() override {
    auto sockets = make_socketpair();
    ASSERT_TRUE(sockets);
    ours_.emplace(std::move(sockets->first));
    theirs_ = std::move(sockets->second);
  }
  void say(std::string_view text) {
    ASSERT_EQ(::write(theirs_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  std::optional<LineChannel> ours_;
  Fd theirs_;
};

TEST_F(Channel, MessagesComeWholeHoweverTheyArrive) {
  say("{\"a\": 1}\n{\"b\"");
  ASSERT_TRUE(*ours_->receive());
  EXPECT_EQ(**ours_->next(), json({{"a", 1}}));
  EXPECT_FALSE(*ours_->next()) << "the second one is not whole";
  say(": 2}\n");
  ASSERT_TRUE(*ours_->receive());
  EXPECT_EQ(**ours_->next(), json({{"b", 2}}));
  EXPECT_FALSE(*ours_->next());
}

TEST_F(Channel, WhatIsNoObjectIsAnErrorThatShowsIt) {
  for (const auto* line : {"nonsense\n", "[1]\n", "\n", "{\"a\": \n"}) {
    say(line);
    ASSERT_TRUE(*ours_->receive());
    EXPECT_FALSE(ours_->next()) << line;
  }
}

TEST_F(Channel, TheEndIsTold) {
  theirs_.reset();
  EXPECT_FALSE(*ours_->receive());
  EXPECT_FALSE(ours_->send({{"x", 1}})) << "and no signal ends us";
}

TEST_F(Channel, BytesThatAreNoTextAreSentAsText) {
  ASSERT_TRUE(ours_->send({{"x", "\xff\xfe"}}));
  char bytes[64];
  const auto n = ::read(theirs_.get(), bytes, sizeof bytes);
  ASSERT_GT(n, 0);
  EXPECT_TRUE(json::accept(std::string(bytes, static_cast<std::size_t>(n))));
}

}  // namespace
}  // namespace burnish
