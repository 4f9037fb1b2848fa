//===- Input.cpp - What fetta-path reads ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Input.h"

#include "fetta/Contraction/Path.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace fetta;

static Expected<Request> makeRequest(StringRef einsum, StringRef sizes,
                                     const FileLocation &einsumAt,
                                     const FileLocation &sizesAt) {
  Expected<EinsumSpec> spec = parseEinsum(einsum, einsumAt);
  if (!spec)
    return spec.takeError();
  Expected<TensorNetwork> network = bindSizes(*spec, sizes, sizesAt);
  if (!network)
    return network.takeError();
  return Request{std::move(*spec), std::move(*network), ""};
}

Expected<std::vector<Request>> fetta::readRequests(StringRef name) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFileOrSTDIN(name, /*IsText=*/true);
  if (std::error_code code = buffer.getError())
    return makeError("cannot read '{0}': {1}", name, code.message());
  std::string shown = name == "-" ? "<stdin>" : name.str();
  std::vector<Request> requests;
  Error errors = Error::success();
  StringRef rest = (*buffer)->getBuffer();
  for (unsigned number = 1; !rest.empty(); ++number) {
    StringRef line;
    std::tie(line, rest) = rest.split('\n');
    line = line.rtrim('\r');
    if (line.trim().empty() || line.ltrim().starts_with("#"))
      continue;
    if (line.contains('=') && !line.contains('\t')) {
      errors = joinErrors(
          std::move(errors),
          makeErrorAt({shown, number},
                      "no tab between the einsum and its sizes: '{0}'", line));
      continue;
    }
    auto [einsum, sizes] = line.split('\t');
    unsigned sizesColumn =
        count_if(einsum,
                 [](char byte) {
                   return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
                 }) +
        2;
    Expected<Request> request = makeRequest(einsum, sizes, {shown, number, 1},
                                            {shown, number, sizesColumn});
    if (!request) {
      errors = joinErrors(std::move(errors), request.takeError());
      continue;
    }
    request->place = shown + ":" + std::to_string(number);
    requests.push_back(std::move(*request));
  }
  if (errors)
    return errors;
  return requests;
}

Expected<Request> fetta::makeRequestFromSizes(StringRef einsum,
                                              StringRef sizes) {
  return makeRequest(einsum, sizes, {"einsum", 1, 1}, {"sizes", 1, 1});
}

Expected<Request> fetta::makeRequestFromShapes(StringRef einsum,
                                               StringRef text) {
  Expected<EinsumSpec> spec = parseEinsum(einsum);
  if (!spec)
    return spec.takeError();
  Expected<TensorNetwork> network = bindShapes(*spec, text, {"shapes", 1, 1});
  if (!network)
    return network.takeError();
  return Request{std::move(*spec), std::move(*network), ""};
}

Expected<PathText> fetta::readPath(StringRef text, StringRef name) {
  PathText path{text.str(), {name.str(), 1, 1}};
  StringRef start = text.ltrim();
  if (!start.empty() && start.front() != '(' && start.front() != '[') {
    ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
        MemoryBuffer::getFileOrSTDIN(text, /*IsText=*/true);
    if (std::error_code code = buffer.getError())
      return makeError("cannot read '{0}': {1}; a path itself begins with '(' "
                       "or '['",
                       text, code.message());
    path.text = (*buffer)->getBuffer().str();
    path.start.file = text == "-" ? "<stdin>" : text.str();
  }
  // Before anything is searched.
  Expected<ContractionPath> parsed =
      parseContractionPath(path.text, path.start);
  if (!parsed)
    return parsed.takeError();
  return path;
}
