//===- ContractionLimit.cpp -------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceEstimate.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace fetta;

/// Contractions of a program, at most. Each has a nest, transfers and tokens of
/// its own: so many take a minute or two to compile.
static constexpr int64_t kMostContractions = int64_t(1) << 16;

LogicalResult fetta::checkContractions(ArrayRef<SlicedFunction> functions) {
  // Where each contraction once for each slice is not too many, no more need be
  // known.
  bool isFew = true;
  uint64_t sum = 0;
  for (const SlicedFunction &sliced : functions) {
    func::FuncOp function = sliced.function;
    auto contracts = function.getOps<tnn::ContractOp>();
    int64_t batch = tnn::getBatchSize(function).value_or(1);
    sum = llvm::SaturatingAdd<uint64_t>(
        sum, llvm::SaturatingMultiply<uint64_t>(
                 std::distance(contracts.begin(), contracts.end()),
                 llvm::divideCeil(batch, std::min(batch, sliced.size))));
    isFew &= sliced.plan.isEmpty() && sum <= kMostContractions;
  }
  if (isFew)
    return success();
  int64_t all = 0, most = -1;
  const SlicedFunction *longest = nullptr;
  for (const SlicedFunction &sliced : functions) {
    // Whoever slices says what stands in the way.
    ScopedDiagnosticHandler quiet(sliced.function->getContext(),
                                  [](Diagnostic &) { return success(); });
    FailureOr<int64_t> count =
        tnn::countContractions(sliced.function, sliced.size, sliced.plan);
    if (failed(count))
      continue;
    all += std::min(*count, INT64_MAX - all);
    if (*count > most) {
      most = *count;
      longest = &sliced;
    }
  }
  if (all <= kMostContractions)
    return success();
  func::FuncOp function = longest->function;
  int64_t batch = tnn::getBatchSize(function).value_or(1);
  int64_t size = std::min(batch, longest->size);
  InFlightDiagnostic report = emitError(function.getLoc());
  report << "function '" << function.getName() << "' is at least " << all
         << " contractions in " << int64_t(llvm::divideCeil(batch, size))
         << " slices of " << size << " of " << batch;
  if (size_t modes = longest->plan.cuts.size())
    report << " and pieces of " << modes << " modes";
  report << "; a program has " << kMostContractions << " at most";
  report.attachNote()
      << "take a smaller batch, fewer slices, or a machine with "
         "more rows_per_slab";
  return report;
}
