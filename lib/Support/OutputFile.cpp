//===- OutputFile.cpp - Files that are whole or absent --------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/OutputFile.h"
#include "fetta/Support/Error.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

using namespace llvm;

namespace fetta {

static Error makeWriteError(StringRef path, const Twine &reason) {
  return makeError("cannot write '{0}': {1}", path, reason.str());
}

/// Runs \p write on the open file \p fd and reports what either side saw.
static Error writeToDescriptor(int fd, StringRef path, WriteFunction write) {
  raw_fd_ostream os(fd, /*shouldClose=*/false);
  Error error = write(os);
  os.flush();
  std::error_code code = os.error();
  // A pending error would end the process when the stream goes away.
  os.clear_error();
  if (error)
    return error;
  if (code)
    return makeWriteError(path, code.message());
  return Error::success();
}

/// LLVM removes temporary files on signals, but on that of a closed pipe only
/// if a function for it was there before its handlers were installed.
static void handleClosedPipes() {
  static bool isDone = [] {
    sys::SetOneShotPipeSignalFunction(sys::DefaultOneShotPipeSignalHandler);
    sys::unregisterHandlers(); // The next file installs them again.
    return true;
  }();
  (void)isDone;
}

/// Writes a temporary file beside \p path.
static Expected<sys::fs::TempFile> writeTempFile(StringRef path,
                                                 WriteFunction write) {
  handleClosedPipes();
  Expected<sys::fs::TempFile> temp =
      sys::fs::TempFile::create(path + ".%%%%%%.tmp");
  if (!temp)
    return makeWriteError(path, toString(temp.takeError()));
  if (Error error = writeToDescriptor(temp->FD, path, write))
    return joinErrors(std::move(error), temp->discard());
  return temp;
}

static Error keepTempFile(sys::fs::TempFile &temp, StringRef path) {
  if (Error error = temp.keep(path)) {
    std::string reason = toString(std::move(error));
    consumeError(temp.discard());
    return makeWriteError(path, reason);
  }
  return Error::success();
}

Error writeOutputFile(StringRef path, WriteFunction write) {
  SmallString<128> target(path);
  sys::fs::file_status status;
  bool exists = !sys::fs::status(path, status);
  bool inPlace = path == "-" ||
                 (exists && status.type() != sys::fs::file_type::regular_file);
  if (inPlace) {
    if (path != "-" && status.type() == sys::fs::file_type::directory_file)
      return makeWriteError(path, "is a directory");
    // What write() produces reaches a pipe only when it is complete.
    std::string contents;
    raw_string_ostream buffer(contents);
    if (Error error = write(buffer))
      return error;
    auto copy = [&](raw_ostream &os) {
      os << contents;
      return Error::success();
    };
    if (path == "-") {
      outs().flush();
      return writeToDescriptor(/*fd=*/1, "<stdout>", copy);
    }
    int fd;
    if (std::error_code code = sys::fs::openFileForWrite(
            path, fd, sys::fs::CD_OpenExisting, sys::fs::OF_None))
      return makeWriteError(path, code.message());
    Error error = writeToDescriptor(fd, path, copy);
    sys::fs::file_t file = sys::fs::convertFDToNativeFile(fd);
    std::error_code code = sys::fs::closeFile(file);
    if (!error && code)
      return makeWriteError(path, code.message());
    return error;
  }
  // A link keeps pointing to the file that is replaced.
  if (exists && sys::fs::is_symlink_file(path))
    if (std::error_code code = sys::fs::real_path(path, target))
      return makeWriteError(path, code.message());
  // A rename would replace a file that its owner made read-only.
  if (exists && sys::fs::access(target, sys::fs::AccessMode::Write))
    return makeWriteError(path, "permission denied");
  Expected<sys::fs::TempFile> temp = writeTempFile(target, write);
  if (!temp)
    return temp.takeError();
  return keepTempFile(*temp, target);
}

Error writeOutputFile(StringRef path, StringRef contents) {
  return writeOutputFile(path, [&](raw_ostream &os) {
    os << contents;
    return Error::success();
  });
}

OutputDirectory::~OutputDirectory() {
  for (auto &[name, temp] : files)
    consumeError(temp.discard());
  // Fails, as it should, when something else has been put there.
  if (created)
    (void)sys::fs::remove(path);
}

Error OutputDirectory::add(StringRef name, WriteFunction write) {
  if (name.empty() || name == "." || name == ".." ||
      sys::path::filename(name) != name)
    return makeError("cannot write '{0}' in '{1}': not a plain file name", name,
                     path);
  for (const auto &file : files)
    if (file.first == name)
      return makeError("cannot write '{0}' in '{1}': two outputs of that name",
                       name, path);
  if (!sys::fs::exists(path)) {
    if (std::error_code code = sys::fs::create_directory(
            path, /*IgnoreExisting=*/true, sys::fs::all_all))
      return makeError("cannot create folder '{0}': {1}", path, code.message());
    created = true;
  } else if (!sys::fs::is_directory(path)) {
    return makeError("cannot write into '{0}': not a folder", path);
  }
  SmallString<128> target(path);
  sys::path::append(target, name);
  if (sys::fs::is_directory(target))
    return makeWriteError(target, "is a directory");
  Expected<sys::fs::TempFile> temp = writeTempFile(target, write);
  if (!temp)
    return temp.takeError();
  files.emplace_back(name.str(), std::move(*temp));
  return Error::success();
}

Error OutputDirectory::add(StringRef name, StringRef contents) {
  return add(name, [&](raw_ostream &os) {
    os << contents;
    return Error::success();
  });
}

Error OutputDirectory::commit() {
  std::vector<std::pair<std::string, sys::fs::TempFile>> pending;
  pending.swap(files);
  Error result = Error::success();
  for (auto &[name, temp] : pending) {
    if (result) {
      consumeError(temp.discard());
      continue;
    }
    SmallString<128> target(path);
    sys::path::append(target, name);
    result = keepTempFile(temp, target);
    if (!result)
      created = false;
  }
  return result;
}

} // namespace fetta
