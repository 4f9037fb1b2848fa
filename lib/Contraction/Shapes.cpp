//===- Shapes.cpp - Einsums with a shape for each operand -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Einsum.h"

#include "SourceText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace fetta;

using Shape = SmallVector<int64_t, 8>;

/// \p complain makes an error at a dimension of a shape; the number of
/// dimensions means the shape as a whole, that of shapes what is behind them.
static Expected<TensorNetwork>
joinShapes(const EinsumSpec &spec, ArrayRef<Shape> shapes,
           function_ref<Error(size_t shape, size_t dimension, const Twine &)>
               complain) {
  if (shapes.size() != spec.operands.size())
    return complain(std::min(shapes.size(), spec.operands.size()), 0,
                    "the einsum has " + Twine(spec.operands.size()) +
                        " operands, but " + Twine(shapes.size()) +
                        (shapes.size() == 1 ? " shape is" : " shapes are") +
                        " given");
  std::vector<NetworkIndex> indices;
  for (const std::string &name : spec.names)
    indices.push_back({name, 0});
  std::vector<size_t> sizedBy(indices.size(), 0);
  for (auto [number, shape] : enumerate(shapes)) {
    const IndexList &operand = spec.operands[number];
    if (shape.size() != operand.size())
      return complain(number, shape.size(),
                      "operand " + Twine(number) + " names " +
                          Twine(operand.size()) +
                          " indices, but its shape has " + Twine(shape.size()) +
                          " dimensions");
    for (size_t dimension = 0; dimension < shape.size(); ++dimension) {
      unsigned index = operand[dimension];
      int64_t size = shape[dimension];
      NetworkIndex &entry = indices[index];
      if (size < 1)
        return complain(number, dimension,
                        "operand " + Twine(number) + " gives index '" +
                            entry.name + "' the size " + Twine(size) +
                            ", but it must be at least 1");
      if (entry.size != 0 && entry.size != size)
        return complain(number, dimension,
                        "index '" + Twine(entry.name) + "' has size " +
                            Twine(entry.size) + " in operand " +
                            Twine(sizedBy[index]) + ", but size " +
                            Twine(size) + " in operand " + Twine(number));
      if (entry.size == 0) {
        entry.size = size;
        sizedBy[index] = number;
      }
    }
  }
  return TensorNetwork::create(std::move(indices), spec.operands, spec.output);
}

Expected<TensorNetwork> fetta::bindShapes(const EinsumSpec &spec,
                                          ArrayRef<Shape> shapes) {
  return joinShapes(spec, shapes, [](size_t, size_t, const Twine &message) {
    return createStringError(message);
  });
}

Expected<TensorNetwork> fetta::bindShapes(const EinsumSpec &spec,
                                          StringRef text,
                                          const FileLocation &start) {
  SourceText source(text, start);
  std::vector<Shape> shapes;
  // Of each dimension, and then of the shape.
  std::vector<SmallVector<size_t, 8>> positions;
  auto skipBlanks = [&](size_t position) {
    while (position < text.size() && isSpace(text[position]))
      ++position;
    return position;
  };
  for (size_t position = 0; position <= text.size(); ++position) {
    size_t begin = skipBlanks(position);
    shapes.emplace_back();
    positions.emplace_back();
    for (position = begin; position < text.size() && text[position] != ',';) {
      StringRef digits = text.drop_front(position).take_while(isDigit);
      if (digits.empty())
        return source.error(position, "expected a shape like 2x3");
      positions.back().push_back(position);
      if (digits.getAsInteger(10, shapes.back().emplace_back()))
        return source.error(position,
                            "size " + Twine(digits) + " exceeds 63 bits");
      position = skipBlanks(position + digits.size());
      if (position == text.size() || text[position] == ',')
        break;
      if (text[position] != 'x')
        return source.error(position, "expected 'x' or ','");
      position = skipBlanks(position + 1);
      if (position == text.size() || text[position] == ',')
        return source.error(position, "expected a size after 'x'");
    }
    positions.back().push_back(begin);
  }
  return joinShapes(spec, shapes,
                    [&](size_t shape, size_t dimension, const Twine &message) {
                      return source.error(shape < positions.size()
                                              ? positions[shape][dimension]
                                              : text.size(),
                                          message);
                    });
}
