#include "plan/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "base/files.h"

namespace burnish {
namespace {

std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char*>(&length), 8);
  return bytes + header + std::string(data_bytes, 'd');
}

std::string error_of(const std::string& bytes) {
  const auto file = Safetensors::parse(bytes);
  return file ? "fine" : to_text(file.error());
}

TEST(Safetensors, WritesWhatItReads) {
  const float numbers[6] = {1, 2, 3, 4, 5, 6};
  const std::uint8_t flags[3] = {1, 0, 1};
  const std::string_view number_bytes(reinterpret_cast<const char*>(numbers), sizeof numbers);
  const std::string_view flag_bytes(reinterpret_cast<const char*>(flags), sizeof flags);
  const auto written = to_safetensors({{"flags", {DType::bool_, {3}, flag_bytes}},
                                       {"none", {DType::int64, {0, 4}, {}}},
                                       {"numbers", {DType::float32, {2, 3}, number_bytes}},
                                       {"one", {DType::float32, {}, number_bytes.substr(0, 4)}}});
  ASSERT_TRUE(written) << to_text(written.error());
  const auto file = Safetensors::parse(*written);
  ASSERT_TRUE(file) << to_text(file.error());
  ASSERT_EQ(file->tensors().size(), 4U);
  EXPECT_EQ(file->find("numbers")->bytes, number_bytes);
  EXPECT_EQ(file->find("numbers")->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(file->find("flags")->dtype, DType::bool_);
  EXPECT_EQ(file->find("flags")->bytes, flag_bytes);
  EXPECT_EQ(file->find("one")->bytes.size(), 4U);
  EXPECT_EQ(file->find("absent"), nullptr);
  EXPECT_EQ((file->find("numbers")->bytes.data() - file->bytes()->data()) % 8, 0);
}

TEST(Safetensors, AnEmptyFileHasNoTensors) {
  const auto written = to_safetensors({});
  ASSERT_TRUE(written);
  EXPECT_TRUE(Safetensors::parse(*written)->tensors().empty());
}

TEST(Safetensors, RefusesWhatDoesNotFit) {
  EXPECT_EQ(error_of(file_of(
                R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"k": "v"}})", 8)),
            "fine");
  EXPECT_NE(error_of(""), "fine");
  EXPECT_NE(error_of(std::string(8, '\xff')), "fine");
  const std::pair<const char*, std::size_t> bad[] = {
      {R"([])", 0},
      {R"({"a": 3})", 0},
      {R"({"a": {"dtype": "F32", "shape": [2]}})", 8},
      {R"({"a": {"dtype": "F31", "shape": [2], "data_offsets": [0, 8]}})", 8},
      {R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})", 8},
      {R"({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}})", 8},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}})", 8},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", 7},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", 9},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}})", 12},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}})",
       12},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}})",
       16},
      {R"({"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}})", 0},
      {R"({"a": {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}})", 8},
  };
  for (const auto& [header, bytes] : bad) EXPECT_NE(error_of(file_of(header, bytes)), "fine") << header;
  EXPECT_FALSE(to_safetensors({{"a", {DType::float32, {3}, "1234"}}}));
  EXPECT_FALSE(to_safetensors({{"a", {DType::uint8, {1}, "1"}}, {"a", {DType::uint8, {1}, "1"}}}));
}

TEST(Safetensors, DamagedFilesNeverReadOutside) {
  const std::string good = file_of(
      R"({"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "b": {"dtype": "U8", "shape": [3], "data_offsets": [16, 19]}})",
      19);
  ASSERT_EQ(error_of(good), "fine");
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (int change = 0; change < 3; ++change) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto file = Safetensors::parse(bytes);
    if (!file) continue;
    std::size_t sum = 0;  // sanitizers see a read outside
    for (const auto& [name, tensor] : file->tensors())
      for (const char c : tensor.bytes) sum += static_cast<unsigned char>(c);
    ASSERT_LE(sum, 255U * bytes.size());
  }
}

TEST(Safetensors, LoadNamesTheFile) {
  const auto path = testing::TempDir() + "burnish_" + std::to_string(::getpid()) + ".safetensors";
  ASSERT_TRUE(write_file(path, "short"));
  const auto file = Safetensors::load(path);
  ASSERT_FALSE(file);
  EXPECT_NE(to_text(file.error()).find(path), std::string::npos);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace burnish
