//===- Passes.td -------------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Passes within the fetta dialect, in alphabetical order.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_TRANSFORMS_PASSES_TD
#define FETTA_DIALECT_FETTA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FettaAllocateMemoryPass : Pass<"fetta-allocate-memory", "::mlir::ModuleOp"> {
  let summary = "Give every value in tensor memory a slab and rows";
  let description = [{
    Values that are accessed in the same cycles go to different slabs where
    possible, because a slab serves one row in a cycle: the tensors of a
    contraction, and the result that drains while the next contraction streams.
    The graph of such meetings is coloured with the slabs, most constrained value
    first (DSATUR, Brelaz 1979); values that DMA moves prefer the last slab.
    Rows are packed first fit over the lifetimes of values, in the order of the
    block, so that rows of dead values are used again; where there is room, rows
    rest for a while before and after DMA moves them, because rows that pass from
    queue to queue make the second wait for the first: for as long as the
    transfer takes, or with `dram=ideal` for the end of a contraction. Larger
    values first and earlier ones first are tried, too. Then values that meet
    others in their slab, or are moved by DMA right after or before others use
    their rows, go where that costs fewer cycles, and what lies there elsewhere,
    while all together costs less. Homes that are already set stay. Every
    function has the whole memory.

    With `steady`, where slices repeat, so do places if all fit that way: those of the slices in
    the middle, planned as values of a circle of one, two or four periods of the
    program, with the first and the last slices around them.

    A function whose values do not fit is refused with the number of rows that
    are missing, where most are alive.
  }];
  let options = [
    Option<"reuse", "reuse", "bool", /*default=*/"true",
           "Use the rows of dead values again">,
    Option<"dram", "dram", "::fetta::LinkModel", "::fetta::LinkModel::Tasks",
           "The DRAM for which rows rest around transfers", [{
      ::llvm::cl::values(
        clEnumValN(::fetta::LinkModel::Tasks, "bandwidth", "That of the machine"),
        clEnumValN(::fetta::LinkModel::Ideal, "ideal",
                   "Transfers take no time"))}]>,
    Option<"steady", "steady", "bool", /*default=*/"false",
           "Give slices that repeat places that do">,
    Option<"improve", "improve", "bool", /*default=*/"true",
           "Move values where that saves cycles; without, the first places that "
           "are found">
  ];
}

def FettaAttachMachinePass : Pass<"fetta-attach-machine", "::mlir::ModuleOp"> {
  let summary = "Read a machine file and attach it to the module";
  let description = [{
    Sets the module attribute `fetta.machine`, so that no later pass, verifier or
    reproducer reads a file.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"",
           "Machine file (YAML), for instance machines/fetta-edge.yaml">
  ];
  let dependentDialects = ["::fetta::hw::FettaDialect"];
}

def FettaLiftRoutesPass : Pass<"fetta-lift-routes", "::mlir::ModuleOp"> {
  let summary = "Derive the map of every route from its switch words";
  let description = [{
    The inverse of `fetta-route-networks`: pushes lanes through the switch words
    of every `fetta.route`, sets the map that they realise and drops the words.
    Words that realise no affine map are refused.
  }];
}

def FettaPrintMappingPass : Pass<"fetta-print-mapping", "::mlir::ModuleOp"> {
  let summary = "Print how contractions are mapped";
  let description = [{
    For every contraction, in program order: einsum, cycles of the contraction
    alone by class, dataflow, lane table, loop nest with the accumulator scope,
    and of every tensor, where it is first seen, a picture of its layout: the
    index bit of every bank bit, the row of an element, and which elements lie
    in some banks of some rows. Tensors are numbered as they appear.

    Goes to standard error, or to `file` (`-`: standard output). The module
    stays as it is.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"",
           "File to write instead of standard error">
  ];
}

def FettaPrintMemoryPass : Pass<"fetta-print-memory", "::mlir::ModuleOp"> {
  let summary = "Draw the occupancy of tensor memory over time";
  let description = [{
    For every slab a strip of text, rows upwards and instructions to the right.
    Goes to the standard error stream, or to a file.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"",
           "Where the picture goes; the standard error stream if empty">
  ];
}

def FettaRollSlicesPass : Pass<"fetta-roll-slices", "::mlir::ModuleOp"> {
  let summary = "Write the steady state of a program in slices as a repeat";
  let description = [{
    Looks for the longest part of a final program (homes, routes, tokens) that
    says the same every few slices: instructions are alike in all but where
    transfers begin, which advance by the same amount from period to period, and
    their operands come from one value before that part or from the same place
    at most a period before. The part is written as one `fetta.repeat`, and
    unrolls to what it was. What one period leaves to the next is carried; where
    that is a view, what it is a view of is carried and the view written anew. A
    remark says why a function has no such part.

    Loops within a loop repeat in more than one way. With `contracts`, a period
    has that many contractions, or twice, four times as many and so on: those of
    turns of the outer loop.

    With `batch`, the program goes on for a larger batch: arguments, results and
    regions in DRAM grow, the repeat gets the iterations that they take, and
    transfers behind it move to the end of the larger regions. The batch is the
    leading dimension of all that transfers of the repeat move through, and what
    is added a whole number of iterations.
  }];
  let options = [
    Option<"batch", "batch", "int64_t", /*default=*/"0",
           "The batch for which the program should go on; 0: its own">,
    Option<"contracts", "contracts", "int64_t", /*default=*/"0",
           "Contractions of an iteration, but for a power of two; 0: any number">
  ];
  let dependentDialects = ["::fetta::hw::FettaDialect"];
}

def FettaRouteNetworksPass : Pass<"fetta-route-networks", "::mlir::ModuleOp"> {
  let summary = "Route every operand through its network";
  let description = [{
    Creates one `fetta.route` for each map from lanes to banks that a contraction
    needs, shared by all contractions that need it, then gives every route
    without them its switch words and masks. Words are replayed before they
    enter the IR.

    A Benes network passes every map. A butterfly does not: what it cannot pass
    at once is visited in more sub-beats (`serial`), and a remark names the
    contraction and the beats that this costs.
  }];
}

def FettaUnrollRepeatsPass : Pass<"fetta-unroll-repeats", "::mlir::ModuleOp"> {
  let summary = "Write the iterations of every fetta.repeat out";
  let description = [{
    Puts the operations of a body in a row, once for each iteration, with the
    tiles of their iteration, and drops the repeat: the same program as flat
    code, for passes that know no repeats. A function that would have more
    operations than a program may have instructions is refused.
  }];
}

#endif // FETTA_DIALECT_FETTA_TRANSFORMS_PASSES_TD
