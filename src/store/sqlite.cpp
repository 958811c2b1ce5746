#include "store/sqlite.h"

#include <chrono>
#include <thread>

#include <sqlite3.h>

namespace burnish {
namespace {

/// SQLite's result as a sentence that says what a user can do.
std::unexpected<Error> broken(sqlite3* handle, int code) {
  const char* name = handle ? sqlite3_db_filename(handle, "main") : nullptr;
  const std::string where = name ? name : "store";
  switch (code & 0xff) {
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return fail("the store cannot be written", where,
                  "make its folder writable, or name another one with --store DIR", "environment");
    case SQLITE_FULL:
      return fail("the disk that holds the store is full", where,
                  "free some space (`burnish prune` helps) or use --store DIR", "environment");
    case SQLITE_IOERR:
      return fail("the store's disk failed or is full", where, "free some space, or use --store DIR", "environment");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail("the store is damaged: " + std::string(sqlite3_errstr(code)), where,
                  "move the folder away, or name another one with --store DIR", "environment");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail("the store is locked by another process", where, "wait for the other run, or use --store DIR",
                  "environment");
    default:
      break;
  }
  return fail("the store failed: " + std::string(handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code)), where, "",
              "environment");
}

int bind(sqlite3_stmt* statement, int index, const Bind& value) {
  switch (value.kind) {
    case Bind::Kind::null:
      return sqlite3_bind_null(statement, index);
    case Bind::Kind::integer:
      return sqlite3_bind_int64(statement, index, value.integer);
    case Bind::Kind::real:
      return sqlite3_bind_double(statement, index, value.real);
    case Bind::Kind::text:
      return sqlite3_bind_text64(statement, index, value.text.data(), value.text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    case Bind::Kind::blob:
      return sqlite3_bind_blob64(statement, index, value.text.data(), value.text.size(), SQLITE_TRANSIENT);
  }
  return SQLITE_MISUSE;
}

}  // namespace

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return broken(sqlite3_db_handle(statement_), code);
}

bool Statement::null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}
std::string Statement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int bytes = sqlite3_column_bytes(statement_, column);
  return data ? std::string(static_cast<const char*>(data), static_cast<std::size_t>(bytes)) : std::string();
}

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Result<Database> Database::open(const std::filesystem::path& file) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  if (code != SQLITE_OK) {
    auto error = broken(handle, code);
    if (error.error().where.empty()) error.error().where = file.string();
    sqlite3_close_v2(handle);
    return error;
  }
  Database database(handle);
  sqlite3_extended_result_codes(handle, 1);
  // A suite may hold the writer's lock for milliseconds; a minute means that something is stuck.
  sqlite3_busy_timeout(handle, 60'000);
  // Two processes that make one store at once: the change to WAL is refused at once, whatever the busy timeout says.
  constexpr int tries = 200;
  for (int i = 1;; ++i) {
    auto ok = database.script("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
    if (ok) return database;
    if ((sqlite3_errcode(handle) & 0xff) != SQLITE_BUSY || i == tries) return std::unexpected(ok.error());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Result<Statement> Database::query(std::string_view sql, const std::vector<Bind>& values) {
  sqlite3_stmt* prepared = nullptr;
  int code = sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &prepared, nullptr);
  if (code != SQLITE_OK) return broken(handle_.get(), code);
  Statement statement(prepared);
  for (std::size_t i = 0; i < values.size(); ++i) {
    code = bind(prepared, static_cast<int>(i) + 1, values[i]);
    if (code != SQLITE_OK) return broken(handle_.get(), code);
  }
  return statement;
}

Status Database::run(std::string_view sql, const std::vector<Bind>& values) {
  TRY(statement, query(sql, values));
  for (;;) {
    TRY(more, statement.step());
    if (!more) return {};
  }
}

Status Database::script(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return broken(handle_.get(), code);
  return {};
}

std::int64_t Database::last_id() const {
  return sqlite3_last_insert_rowid(handle_.get());
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_.get());
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto ok = database.script("BEGIN IMMEDIATE"); !ok) return std::unexpected(ok.error());
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_) (void)database_->script("ROLLBACK");
}

Status Transaction::commit() {
  Database* database = database_;
  auto ok = database->script("COMMIT");
  if (ok) database_ = nullptr;
  return ok;
}

}  // namespace burnish
