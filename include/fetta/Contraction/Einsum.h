//===- Einsum.h - Einsum strings --------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads einsum strings in the two spellings people use: one letter per index
/// ("ab,bc->ac", as in opt_einsum) and named modes separated by spaces
/// ("b i0 i1, i1 r -> b i0 r"). Messages point into the string: a text begins
/// at
/// \c start, columns count characters, and a caret marks the place.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_EINSUM_H
#define FETTA_CONTRACTION_EINSUM_H

#include "fetta/Contraction/TensorNetwork.h"
#include "fetta/Support/Error.h"

namespace fetta {

/// A parsed einsum without sizes. Names are numbered by first appearance.
struct EinsumSpec {
  std::vector<std::string> names;
  std::vector<IndexList> operands;
  IndexList output;
  bool namedModes = false; ///< Spelled with spaces between names.
};

/// The spelling is "named" when an operand has two names with a space between
/// them or a name holds a digit or underscore; otherwise every letter (any
/// UTF-8 character that is not ASCII punctuation) is an index and spaces mean
/// nothing. Without "->" the output is every index that occurs exactly once,
/// sorted by name, as in opt_einsum. A scalar operand is an empty one
/// (",a->a"). Errors: a second "->", an ellipsis, other characters, an index
/// twice in the output, an output index on no operand.
llvm::Expected<EinsumSpec>
parseEinsum(llvm::StringRef text, const FileLocation &start = {"einsum", 1, 1});

/// Joins a spec with "a=2,b=3". Errors: bad syntax, a size below 1 or beyond
/// 63 bits, two different sizes for an index (both are named), an index
/// without a size, a size for an index that does not occur.
llvm::Expected<TensorNetwork>
bindSizes(const EinsumSpec &spec, llvm::StringRef sizes,
          const FileLocation &start = {"sizes", 1, 1});

/// Joins a spec with one shape per operand. Errors: the number of shapes or of
/// dimensions differs, a size below 1, two tensors that disagree about an
/// index (names the index, both tensors and both sizes).
llvm::Expected<TensorNetwork>
bindShapes(const EinsumSpec &spec,
           llvm::ArrayRef<llvm::SmallVector<int64_t, 8>> shapes);

/// The same from "2x3,3x4" (a scalar's shape is empty); messages point into it.
/// Errors also: bad syntax, a size beyond 63 bits.
llvm::Expected<TensorNetwork> bindShapes(const EinsumSpec &spec,
                                         llvm::StringRef shapes,
                                         const FileLocation &start);

/// The string of a spec, in its own spelling, without needless spaces.
std::string formatEinsum(const EinsumSpec &spec);

} // namespace fetta

#endif // FETTA_CONTRACTION_EINSUM_H
