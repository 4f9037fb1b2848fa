//===- FettaOps.h -----------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Operations of the fetta dialect, and their correspondence with nests and
/// routes of the runtime half.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_IR_FETTAOPS_H
#define FETTA_DIALECT_FETTA_IR_FETTAOPS_H

#include "fetta/Dialect/Fetta/IR/FettaAttributes.h"
#include "fetta/Layout/Nest.h"
#include "fetta/Network/Network.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "fetta/Dialect/Fetta/IR/FettaOps.h.inc"

namespace fetta::hw {

/// The machine attribute of the module around `op`, or null.
MachineAttr getMachineAttr(mlir::Operation *op);
/// The same; reports on `op` where there is none.
mlir::FailureOr<Machine> getMachine(mlir::Operation *op);

/// Layout of a tensor in tensor memory; nothing without the encoding.
std::optional<Layout> getLayout(mlir::Type type);
/// bf16 or f32.
ElementType getElementType(mlir::Type type);
/// Rows of memory that a tensor takes; twice the layout's for f32.
int64_t getPhysicalRows(mlir::RankedTensorType type);
/// What every message says where tensors do not fit; slicing looks for it.
inline constexpr llvm::StringLiteral kExceedsMemory = "exceeds tensor memory";
/// Refuses a tensor of `rows` rows that no slab holds: what, by how much, and
/// what helps.
mlir::LogicalResult verifyFitsSlab(mlir::Operation *op, mlir::Type type,
                                   int64_t rows, const Machine &machine);
/// The op whose `home` a value in tensor memory has (fetta.place, fetta.load or
/// fetta.contract): looks through relabels, partial sums, and to the initial
/// value of what a repeat carries.
mlir::Operation *getHomeOp(mlir::Value value);
/// Home of a value in tensor memory, or null before allocation.
HomeAttr getHome(mlir::Value value);

/// getHomeOp of many values while no operation changes: chains of partial sums
/// are as long as a program has slices, and each link is followed once.
class HomeFinder {
public:
  mlir::Operation *find(mlir::Value value);
  HomeAttr getHome(mlir::Value value);

private:
  /// Of views, partial sums in place and carried values.
  llvm::DenseMap<mlir::Value, mlir::Operation *> known;
};

/// The initial value of what a repeat carries, for an argument of its body or
/// one of its results; null for other values.
mlir::Value getCarriedInit(mlir::Value value);
/// Whether `value` is an argument of a function, not of the body of a repeat.
bool isFunctionArgument(mlir::Value value);
/// The value that stands for a region in DRAM, whichever of its chain `value`
/// is: an argument of the function, the result of its first store, or an
/// argument of the body of a repeat whose initial value is tensor.empty.
mlir::Value getRegionOf(mlir::Value value);

/// The modes of an einsum text of two operands.
struct EinsumModes {
  /// Every mode once, in the order of first appearance.
  llvm::SmallVector<std::string> names;
  /// Modes of lhs, rhs and result, as indices into `names`.
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
};
/// Parses "b i, i r -> b r". Errors: malformed text, not two operands, a mode
/// twice in one operand, a result mode without operand.
llvm::Expected<EinsumModes> parseEinsum(llvm::StringRef text);

/// The nest of a contraction whose operands have layouts. Slab and base row
/// are those of the homes, 0 before allocation.
llvm::Expected<Nest> getNest(ContractOp op, HomeFinder &homes);
/// The same with all operands in row 0 of slab 0: one object for all
/// contractions that are alike, which lives as long as the context. So what
/// follows from it can be kept by its address.
llvm::Expected<const Nest &> getUnplacedNest(ContractOp op);

/// Builds a contraction from a nest over the modes of `einsum`; the inverse of
/// getNest, but for homes and routes. `init`: partial sums, or null.
ContractOp createContract(mlir::OpBuilder &builder, mlir::Location location,
                          llvm::StringRef einsum, mlir::Value lhs,
                          mlir::Value rhs, mlir::RankedTensorType resultType,
                          const Nest &nest, PhaseKind phase,
                          mlir::Value init = {});
/// `file:line:column` of a location, or empty where it names no file.
std::string getOrigin(mlir::Location location);

/// Physical form of a route for `machine`; an error names what does not fit.
llvm::Expected<Route> getRoute(RouteOp op, const Machine &machine);
/// Sets words and masks.
void setRoute(RouteOp op, const Route &route);
/// Wiring of the networks of one kind.
Wiring getWiring(const Machine &machine, RouteKind kind);
/// Distribution for operands (0, 1), reduction for the result (2).
inline RouteKind getRouteKind(unsigned operand) {
  return operand == OperandC ? RouteKind::Reduction : RouteKind::Distribution;
}

} // namespace fetta::hw

#endif // FETTA_DIALECT_FETTA_IR_FETTAOPS_H
