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
    results disappear into transfers; any other reshape must be a relabeling,
    which moves no word.

    With `memory=dram` an argument is loaded by DMA where it is first needed (at
    the start, if the forward phase needs it), a result stored as soon as it is
    complete. Slices of arguments (`tensor.extract_slice`) are loaded and slices
    of results (`tensor.insert_slice` into `tensor.empty`) stored where they
    stand. With `memory=resident` the host places all arguments before the run
    and collects the results after it.

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
                   "The first contraction that touches a tensor"))}]>,
    Option<"memory", "memory", "::fetta::MemoryChoice",
           "::fetta::MemoryChoice::Dram",
           "Where arguments and results lie", [{
      ::llvm::cl::values(
        clEnumValN(::fetta::MemoryChoice::Dram, "dram",
                   "In DRAM, moved by DMA"),
        clEnumValN(::fetta::MemoryChoice::Resident, "resident",
                   "In tensor memory, placed and collected by the host"))}]>
  ];
  let dependentDialects = ["::fetta::hw::FettaDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_TD
