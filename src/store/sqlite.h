#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace burnish {

/// A value to bind: null, integer, real or text (a blob is text, too: SQLite keeps bytes as they are).
class Bind {
 public:
  enum class Kind { null, integer, real, text, blob } kind = Kind::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;

  Bind(std::nullptr_t) {}                                            // NOLINT: values bind as they are
  Bind(int value) : kind(Kind::integer), integer(value) {}           // NOLINT
  Bind(std::int64_t value) : kind(Kind::integer), integer(value) {}  // NOLINT
  Bind(double value) : kind(Kind::real), real(value) {}              // NOLINT
  Bind(const std::string& value) : kind(Kind::text), text(value) {}  // NOLINT
  Bind(const char* value) : kind(Kind::text), text(value) {}         // NOLINT
  Bind(const std::optional<double>& value) {                         // NOLINT
    if (value) *this = Bind(*value);
  }
  static Bind blob(std::string_view bytes) {
    Bind bind(nullptr);
    bind.kind = Kind::blob;
    bind.text = bytes;
    return bind;
  }
};

/// A prepared statement at one row of its results.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept : statement_(other.statement_) { other.statement_ = nullptr; }
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Moves to the next row; false at the end.
  Result<bool> step();
  bool null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;

 private:
  sqlite3_stmt* statement_;
};

/// One connection; used by one thread at a time (the Store holds its lock).
class Database {
 public:
  /// Opens or makes the file, in WAL mode with a busy timeout; several processes may do so at once.
  static Result<Database> open(const std::filesystem::path& file);

  Result<Statement> query(std::string_view sql, const std::vector<Bind>& values = {});
  /// Runs a statement that gives no rows.
  Status run(std::string_view sql, const std::vector<Bind>& values = {});
  /// Runs several statements, separated by semicolons.
  Status script(const std::string& sql);
  std::int64_t last_id() const;
  std::int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

/// BEGIN IMMEDIATE; rolled back unless commit() is reached.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) { other.database_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace burnish
