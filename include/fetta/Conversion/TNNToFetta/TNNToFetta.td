//===- TNNToFetta.td ---------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// From contractions to loop nests on the array.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_TD
#define FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_TD

include "mlir/Pass/PassBase.td"

def ConvertTNNToFettaPass
    : Pass<"convert-tnn-to-fetta", "::mlir::ModuleOp"> {
  let summary = "Map contractions to the array";
  let description = [{
    Takes the contractions of a function together and lets the mapper
    (lib/Mapping) choose dataflow, lane table and loops of each, and one layout
    for each tensor such that no access conflicts wherever that is possible.
    With `layouts=separate` each contraction is mapped for itself, in order, and
    a tensor has the layout that suits its first use. Reshapes of arguments and
    results disappear into the transfers by the host; any other reshape must be
    a relabeling, which moves no word.

    The module needs a machine (`fetta-attach-machine`). Operands are bf16
    (`tnn-set-precision`); anything but contractions and reshapes is refused.

    Remarks (`--remarks-filter=convert-tnn-to-fetta`) give for every contraction
    the dataflow, beats, cycles by class, and utilization in the closed form of
    the serial schedule.
  }];
  let options = [
    Option<"dataflow", "dataflow", "::fetta::DataflowChoice",
           "::fetta::DataflowChoice::Auto", "What the PEs hold", [{
      ::llvm::cl::values(
        clEnumValN(::fetta::DataflowChoice::Auto, "auto",
                   "The fastest, for each contraction"),
        clEnumValN(::fetta::DataflowChoice::AStationary, "a",
                   "The left operand"),
        clEnumValN(::fetta::DataflowChoice::BStationary, "b",
                   "The right operand"),
        clEnumValN(::fetta::DataflowChoice::OutputStationary, "output",
                   "The result"))}]>,
    Option<"layouts", "layouts", "::fetta::LayoutChoice",
           "::fetta::LayoutChoice::Joint", "Who chooses the layouts", [{
      ::llvm::cl::values(
        clEnumValN(::fetta::LayoutChoice::Joint, "joint",
                   "All contractions together"),
        clEnumValN(::fetta::LayoutChoice::Separate, "separate",
                   "The first contraction that touches a tensor"))}]>
  ];
  let dependentDialects = ["::fetta::hw::FettaDialect"];
}

#endif // FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_TD
