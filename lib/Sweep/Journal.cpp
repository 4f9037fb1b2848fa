//===- Journal.cpp - Results of a sweep as they come ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A line of text each:
//   fetta-sweep-journal 2
//   HASH file SWEEP                 a sweep file was begun
//   HASH done KEY figures...        integers, then weights with 17 digits
//   HASH refused KEY reason
// HASH is of the rest of the line.
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Journal.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/xxhash.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/file.h>
#include <unistd.h>

using namespace fetta;

static constexpr llvm::StringLiteral magic = "fetta-sweep-journal 2\n";

PointKey fetta::pointKey(llvm::StringRef content) {
  auto hash = llvm::xxh3_128bits(llvm::arrayRefFromStringRef(content));
  return {hash.high64, hash.low64};
}

static int64_t milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

static auto integersOf(RawFigures &f) {
  return std::array<int64_t *, 11>{
      &f.cycles,     &f.serialCycles, &f.arrayCycles, &f.limitCompute,
      &f.limitArray, &f.limitDram,    &f.limitPath,   &f.multiplyAdds,
      &f.dramBytes,  &f.slices,       &f.contractions};
}

static std::string hex(uint64_t value) {
  return llvm::utohexstr(value, /*LowerCase=*/true, 16);
}

static std::string lineOf(llvm::StringRef content) {
  return hex(llvm::xxh3_64bits(content)) + " " + content.str() + "\n";
}

static std::string recordOf(const PointKey &key, const PointResult &result) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << (result.status == PointResult::Done ? "done " : "refused ")
     << hex(key.high) << hex(key.low);
  if (result.status == PointResult::Refused) {
    // One line.
    std::string reason = result.reason;
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    os << ' ' << reason;
    return text;
  }
  RawFigures figures = result.figures;
  for (int64_t *value : integersOf(figures))
    os << ' ' << *value;
  for (double weight : figures.weights)
    os << ' ' << llvm::format("%.17g", weight);
  return text;
}

bool SweepJournal::parseLine(llvm::StringRef line) {
  auto [sum, content] = line.split(' ');
  if (sum != hex(llvm::xxh3_64bits(content)))
    return false;
  auto [kind, rest] = content.split(' ');
  if (kind == "file")
    return true;
  auto [name, values] = rest.split(' ');
  PointKey key;
  if (name.size() != 32 || name.take_front(16).getAsInteger(16, key.high) ||
      name.drop_front(16).getAsInteger(16, key.low))
    return false;
  PointResult result;
  if (kind == "refused") {
    result.status = PointResult::Refused;
    result.reason = values.str();
  } else {
    result.status = PointResult::Done;
    llvm::StringRef value;
    for (int64_t *figure : integersOf(result.figures)) {
      std::tie(value, values) = values.split(' ');
      if (value.getAsInteger(10, *figure))
        return false;
    }
    for (double &weight : result.figures.weights) {
      std::tie(value, values) = values.split(' ');
      if (value.getAsDouble(weight))
        return false;
    }
  }
  known[key] = std::move(result);
  return true;
}

llvm::Error SweepJournal::write(llvm::StringRef text) {
  while (!text.empty()) {
    ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return makeError("cannot write '{0}': {1}", path,
                       written < 0 ? std::strerror(errno) : "no progress");
    text = text.drop_front(size_t(written));
  }
  return llvm::Error::success();
}

llvm::Error SweepJournal::read(uint64_t sweep) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false,
                                            /*IsVolatile=*/true);
  if (!buffer)
    return makeError("cannot read '{0}': {1}", path,
                     buffer.getError().message());
  llvm::StringRef text = (*buffer)->getBuffer();
  std::string fileContent = "file " + hex(sweep);
  // Cut before the first line was complete: nothing is lost.
  if (magic.starts_with(text) && text.size() < magic.size()) {
    if (::ftruncate(file, 0) != 0)
      return makeError("cannot write '{0}': {1}", path, std::strerror(errno));
    return write(magic.str() + lineOf(fileContent));
  }
  if (!text.starts_with(magic))
    return makeError("'{0}' is no journal of a sweep; choose another output or "
                     "move it away",
                     path);
  size_t good = text.size();
  if (!text.ends_with("\n")) {
    good = text.rfind('\n') + 1;
    ++damagedLines;
  }
  llvm::StringRef lines = text.take_front(good).drop_front(magic.size());
  llvm::StringRef lastFile;
  while (!lines.empty()) {
    llvm::StringRef line;
    std::tie(line, lines) = lines.split('\n');
    if (!parseLine(line))
      ++damagedLines;
    else if (line.split(' ').second.starts_with("file "))
      lastFile = line.split(' ').second;
  }
  changed = !lastFile.empty() && lastFile != fileContent;
  bool same = lastFile == fileContent;
  if (good < text.size() && ::ftruncate(file, off_t(good)) != 0)
    return makeError("cannot write '{0}': {1}", path, std::strerror(errno));
  return same ? llvm::Error::success() : write(lineOf(fileContent));
}

llvm::Expected<std::unique_ptr<SweepJournal>>
SweepJournal::open(llvm::StringRef path, uint64_t sweep) {
  std::unique_ptr<SweepJournal> journal(new SweepJournal(path));
  if (std::error_code code = llvm::sys::fs::openFileForReadWrite(
          path, journal->file, llvm::sys::fs::CD_OpenAlways,
          llvm::sys::fs::OF_Append))
    return makeError("cannot write '{0}': {1}", path, code.message());
  // Of the open file, not of the process, which opens it once more to read.
  if (::flock(journal->file, LOCK_EX | LOCK_NB) != 0)
    return makeError("another sweep writes to '{0}'; wait for it or choose "
                     "another --output",
                     path);
  if (llvm::Error error = journal->read(sweep))
    return error;
  journal->lastSync = milliseconds();
  return journal;
}

SweepJournal::~SweepJournal() {
  if (file >= 0)
    ::close(file);
}

const PointResult *SweepJournal::find(const PointKey &key) const {
  auto it = known.find(key);
  return it == known.end() ? nullptr : &it->second;
}

llvm::Error SweepJournal::append(const PointKey &key,
                                 const PointResult &result) {
  std::string line = lineOf(recordOf(key, result));
  std::lock_guard<std::mutex> lock(mutex);
  if (llvm::Error error = write(line))
    return error;
  int64_t now = milliseconds();
  if (now - lastSync < 1000)
    return llvm::Error::success();
  lastSync = now;
  ::fdatasync(file);
  return llvm::Error::success();
}

llvm::Error SweepJournal::sync() {
  std::lock_guard<std::mutex> lock(mutex);
  // Some file systems have nothing to synchronise and say so.
  if (::fsync(file) != 0 && errno != EINVAL && errno != EROFS)
    return makeError("cannot write '{0}': {1}", path, std::strerror(errno));
  return llvm::Error::success();
}
