//===- Describe.cpp - A loop nest for the reader --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace fetta;
using llvm::ArrayRef;

llvm::StringRef fetta::dataflowName(Dataflow dataflow) {
  switch (dataflow) {
  case Dataflow::AStationary:
    return "A-stationary";
  case Dataflow::BStationary:
    return "B-stationary";
  case Dataflow::OutputStationary:
    return "output-stationary";
  }
  llvm_unreachable("a dataflow");
}

std::string fetta::describe(const Nest &nest, ArrayRef<std::string> names) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto name = [&](unsigned mode) {
    return mode < names.size() ? names[mode] : "m" + std::to_string(mode);
  };
  auto lanes = [&](const char *what, ArrayRef<std::optional<ModeBit>> bits) {
    os << what << " [";
    llvm::interleaveComma(bits, os, [&](const std::optional<ModeBit> &bit) {
      if (bit)
        os << name(bit->mode) << ':' << bit->bit;
      else
        os << '-';
    });
    os << ']';
  };
  os << dataflowName(nest.dataflow);
  lanes(", rows", nest.lanes.row);
  lanes(", columns", nest.lanes.column);
  lanes(", CEs", nest.lanes.ce);
  os << '\n';
  unsigned indent = 0;
  auto line = [&]() -> llvm::raw_ostream & { return os.indent(2 * indent); };
  for (auto [l, loop] : llvm::enumerate(nest.loops)) {
    if (l == nest.scopeLevel)
      line() << "scope\n";
    line() << "for " << name(loop.mode) << " in 0.." << loop.count;
    if (loop.weight != 1)
      os << " by " << loop.weight;
    os << '\n';
    ++indent;
  }
  if (nest.scopeLevel == nest.loops.size())
    line() << "scope\n";
  static const char *const operands[] = {"A", "B", "C"};
  for (unsigned i = 0; i < 3; ++i) {
    const Operand &op = nest.operands[i];
    line() << operands[i] << ": banks [";
    llvm::interleaveComma(op.banks, os, [&](const BankBit &bank) {
      if (bank.source)
        os << name(bank.source->mode) << ':' << bank.source->bit;
      else
        os << (bank.constant ? '1' : '0');
    });
    os << "] row ";
    bool first = true;
    for (unsigned m = 0; m < nest.modeCount(); ++m) {
      if (!op.holds(m) || op.modes[m]->chunks() == 1)
        continue;
      os << (first ? "" : " + ");
      first = false;
      if (op.modes[m]->rowStride != 1)
        os << op.modes[m]->rowStride << '*';
      os << name(m);
      if (op.modes[m]->lowBits)
        os << '/' << (int64_t(1) << op.modes[m]->lowBits);
    }
    if (first)
      os << '0';
    if (op.serialLanes)
      os << ", " << subBeats(op) << " sub-beats";
    os << '\n';
  }
  return text;
}
