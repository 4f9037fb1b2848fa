//===- Print.cpp - Programs as text ---------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/InstructionCoding.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;

static llvm::StringRef nameOf(TensorRole role) {
  switch (role) {
  case TensorRole::Input:
    return "input";
  case TensorRole::Param:
    return "param";
  case TensorRole::State:
    return "state";
  case TensorRole::Target:
    return "target";
  case TensorRole::Result:
    return "result";
  case TensorRole::Gradient:
    return "gradient";
  case TensorRole::Temporary:
    return "temporary";
  }
  llvm_unreachable("every role has a name");
}

llvm::StringRef fetta::phaseName(Phase phase) {
  switch (phase) {
  case Phase::Forward:
    return "fp";
  case Phase::Backward:
    return "bp";
  case Phase::WeightGradient:
    return "wg";
  }
  llvm_unreachable("every phase has a name");
}

void fetta::print(llvm::raw_ostream &os, const Program &program) {
  os << "machine " << program.machine.name << " fingerprint "
     << llvm::format_hex(program.machine.fingerprint(), 18) << '\n';
  if (!program.producer.empty())
    os << "producer " << program.producer << '\n';
  for (auto [i, tensor] : llvm::enumerate(program.tensors)) {
    os << "tensor " << i << " \"" << tensor.name << "\" " << nameOf(tensor.role)
       << ' ';
    llvm::interleave(tensor.shape, os, "x");
    os << (tensor.elementType == ElementType::F32 ? " f32" : " bf16")
       << " slab " << tensor.slab << " row " << tensor.baseRow << " layout ";
    llvm::interleave(
        tensor.layout.dims, os, [&](const DimLayout &dim) { os << dim.size; },
        "x");
    os << ' ';
    print(os, tensor.layout);
    os << '\n';
  }
  for (auto [i, region] : llvm::enumerate(program.regions)) {
    os << "region " << i << " \"" << region.name << "\" " << nameOf(region.role)
       << ' ';
    llvm::interleave(region.shape, os, "x");
    os << (region.elementType == ElementType::F32 ? " f32" : " bf16")
       << " address " << region.byteAddress << '\n';
  }
  for (auto [i, route] : llvm::enumerate(program.routes))
    os << "route " << i
       << (route.wiring.kind == NetKind::Reduction ? " reduction"
                                                   : " distribution")
       << (route.wiring.topology == NetworkTopology::Benes ? " benes "
                                                           : " butterfly ")
       << route.wiring.lines() << " lines, " << route.masks.size()
       << " masks\n";
  for (auto [i, op] : llvm::enumerate(program.ops)) {
    os << "op " << i << " \"" << op.name << "\" " << phaseName(op.phase)
       << " \"" << op.einsum << '"';
    if (!op.location.empty())
      os << ' ' << op.location;
    os << '\n';
  }
  uint64_t bodyEnd = 0; // Of the last repeat.
  for (auto [i, instruction] : llvm::enumerate(program.code)) {
    unsigned indent = i < bodyEnd ? 2 : 0;
    os.indent(indent) << i << ": ";
    isa::print(os, instruction, indent);
    if (const auto *repeat = std::get_if<Repeat>(&instruction))
      bodyEnd = i + 1 + repeat->length;
  }
}
