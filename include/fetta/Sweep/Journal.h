//===- Journal.h - Results of a sweep as they come --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A file beside the output that takes the result of every point when it is
/// there, so that a sweep which was killed goes on where it stopped. Results
/// are found by the content of their point; a line that was cut or damaged is a
/// point that has to be done again.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_JOURNAL_H
#define FETTA_SWEEP_JOURNAL_H

#include "fetta/Sweep/CostModel.h"

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace fetta {

/// Hash of everything that a result depends on.
struct PointKey {
  uint64_t high = 0, low = 0;
  bool operator==(const PointKey &o) const {
    return high == o.high && low == o.low;
  }
};
PointKey pointKey(llvm::StringRef content);

struct PointResult {
  enum Status : uint8_t { NotDone, Done, Refused };
  Status status = NotDone;
  RawFigures figures; ///< Of one that is done.
  std::string reason; ///< Of one that is refused.
  /// Whether the same would come out again. A program that was killed may do
  /// better next time.
  bool lasting = true;
};

class SweepJournal {
public:
  /// Opens or creates; locks the file. \p sweep is the hash of the sweep file's
  /// text. Errors: the file is something else (it stays as it is), another
  /// sweep writes to it, it cannot be written.
  static llvm::Expected<std::unique_ptr<SweepJournal>>
  open(llvm::StringRef path, uint64_t sweep);
  ~SweepJournal();

  /// A result that was there when the journal was opened, or null.
  const PointResult *find(const PointKey &key) const;
  /// Writes a line; it is with the system when this returns, and on the disk
  /// within a second or so, or after sync(). Any thread.
  llvm::Error append(const PointKey &key, const PointResult &result);
  llvm::Error sync();

  size_t results() const { return known.size(); }
  /// Lines that were cut or damaged, and are ignored.
  size_t damaged() const { return damagedLines; }
  /// The journal was written for another text of the sweep file.
  bool fileHasChanged() const { return changed; }

private:
  explicit SweepJournal(llvm::StringRef path) : path(path.str()) {}
  llvm::Error read(uint64_t sweep);
  llvm::Error write(llvm::StringRef text);
  bool parseLine(llvm::StringRef line);

  struct Hash {
    size_t operator()(const PointKey &key) const { return size_t(key.low); }
  };
  std::string path;
  int file = -1;
  std::unordered_map<PointKey, PointResult, Hash> known;
  size_t damagedLines = 0;
  bool changed = false;
  std::mutex mutex;
  int64_t lastSync = 0; ///< Milliseconds.
};

} // namespace fetta

#endif // FETTA_SWEEP_JOURNAL_H
