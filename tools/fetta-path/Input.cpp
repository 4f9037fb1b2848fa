//===- Input.cpp - What fetta-path reads ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Input.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace fetta;

/// "2x3,3x4"; a scalar's shape is empty.
static Expected<std::vector<SmallVector<int64_t, 8>>>
parseShapes(StringRef text) {
  std::vector<SmallVector<int64_t, 8>> shapes;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    SmallVector<int64_t, 8> &shape = shapes.emplace_back();
    if (part.trim().empty())
      continue;
    SmallVector<StringRef> dimensions;
    part.split(dimensions, 'x');
    for (StringRef dimension : dimensions)
      if (dimension.trim().getAsInteger(10, shape.emplace_back()))
        return makeError("shapes: '{0}' is not a shape like 2x3", part);
  }
  return shapes;
}

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
  auto shapes = parseShapes(text);
  if (!shapes)
    return shapes.takeError();
  Expected<TensorNetwork> network = bindShapes(*spec, *shapes);
  if (!network)
    return network.takeError();
  return Request{std::move(*spec), std::move(*network), ""};
}
