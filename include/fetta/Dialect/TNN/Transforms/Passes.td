//===- Passes.td -------------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Passes of the tnn dialect, from layers to an ordered training step.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_TRANSFORMS_PASSES_TD
#define FETTA_DIALECT_TNN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def TNNDifferentiatePass : Pass<"tnn-differentiate", "::mlir::ModuleOp"> {
  let summary = "Turn a forward function into a training step";
  let description = [{
    Replaces `func @f(args) -> results` by
    `func @f(args, d_results) -> (results, d_args)`: reverse-mode
    differentiation over `tnn.einsum`, `tnn.contract`,
    `tensor.expand_shape`, `tensor.collapse_shape`, `arith.addf`,
    `arith.extf`, `arith.truncf` and `linalg.broadcast`. The gradient of an
    einsum is, for each operand, the einsum that leaves this operand out and
    takes the gradient of the result in, so no weight format needs a rule of its
    own.

    Results come first, then the gradients of the arguments in their order.
    Arguments with `tnn.role = "target"`, and those that hold no f32 or bf16
    tensor, get none. Gradients of `tnn.role = "param"` arguments are f32
    whatever the type of the argument; any other gradient has the type of its
    value. A value used several times sums its gradients.

    Names (`tnn.name`): a result keeps its name or becomes `result0`, ...; the
    gradient that comes in for it is `d_<result>`, the gradient of an argument
    `d_<argument>`. New einsums carry `tnn.phase`: `"wg"` where the gradient is
    that of a parameter, else `"bp"`; what was there before becomes `"fp"`.
    Run `tnn-expand-layers` first.
  }];
  let options = [
    Option<"function", "function", "std::string", "",
           "Function to differentiate; by default the only public one">,
    Option<"inputGradients", "input-gradients", "bool", "true",
           "Also return gradients of arguments that are not parameters">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TNNExpandLayersPass : Pass<"tnn-expand-layers"> {
  let summary = "Expand layers into einsums over the input and the cores";
  let description = [{
    `tnn.linear` becomes: `tensor.expand_shape` of the input's features into
    modes, one `tnn.einsum` over the input and all cores, `tensor.collapse_shape`
    of the output modes. Boundary ranks of 1 are collapsed off the cores, so the
    einsum has no mode for them. Modes are named `b` (or `b0`, `b1`, ... for
    several batch dimensions), `i<k>`, `o<k>` and `r<k>`. A bias is added by
    `linalg.broadcast` and `arith.addf`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def TNNNameArgumentsPass : Pass<"tnn-name-arguments", "::mlir::ModuleOp"> {
  let summary = "Name arguments as the source does";
  let description = [{
    Gives every argument without a `tnn.name` the name that it has in the source
    text: the one that stands at the argument's location, without its `%`.
    Arrays and reports then use the names that the author chose, although IR
    keeps none. Arguments that are numbered in the source, that have no readable
    source (standard input, bytecode), or whose name another argument or a
    result has stay as they are. The `fetta-compile` pipelines begin with it.
  }];
}

def TNNOrderContractionsPass
    : Pass<"tnn-order-contractions", "::mlir::func::FuncOp"> {
  let summary = "Turn every einsum into a chain of two-operand contractions";
  let description = [{
    Einsums that are leave-one-out views of one closed network {X, cores, dY} -
    the forward einsum of a layer, its input gradient and the gradient of every
    core - are found and ordered together: one search gives an unrooted tree of
    fewest multiply-adds, which is optimal for every phase (docs/Search.md), and
    each phase is that tree re-rooted. Intermediates are shared, so a whole
    training step costs three times one phase. Contractions of the forward pass
    come first, and nothing that reads the output gradient comes before the
    output. Any other einsum is searched alone.

    `order` replaces the search: `right-to-left` is ((X G_K) G_{K-1}) ..., `btt`
    merges input cores and output cores apart, `cores-first` rebuilds the dense
    weight, `greedy` is opt_einsum's heuristic, `given` reads the `path` of each
    forward einsum; BP and WG are the same tree re-rooted. The fixed orders take
    the first operand of an einsum for X and the others for the cores. An einsum
    with a `path` keeps to its path under `csse`, too.

    Result modes of an intermediate stand in the order of first appearance in
    its left, then its right operand; the last contraction of an einsum has the
    modes of the einsum. The operand that holds the family's first tensor is the
    left one. Intermediates have the element type of the operands; the last
    contraction of an einsum has that of the einsum.

    Which gradients are wanted follows from the einsums that are there; where
    some are missing, or with one of the options below, the tree is the one that
    takes the fewest multiply-adds for all phases of the family together
    (docs/Training.md). A value that is dropped and computed again stands as a
    second contraction behind the output. Activations are leaves that follow
    from other arguments than those of `tnn.role = "param"`; without any role,
    the first operand. A tree by `objective` `size`, `write` or `combo-N` is that
    of the first einsum alone.

    With `objective` `latency`, `energy` or `edp` the tree is the one that the
    machine executes best (docs/Search.md, "Orders for a machine"): the search
    is exact for steps that do not overlap; its best trees, that of the fewest
    multiply-adds and the fixed orders are then scheduled, and the best of them
    is taken, or with `alternative` one that comes close. DRAM is not looked at.
    The pipelines compile what is taken and the tree of the fewest multiply-adds,
    and keep the better program.

    Remarks (`--remarks-filter=tnn-order-contractions`): `passed` gives order,
    multiply-adds of a phase, whether they are proven the fewest, and for a
    family the total over phases and what sharing saves; `analysis` gives the
    multiply-adds that each of `fp`, `bp` and `wg` adds, and the elements that
    are stored for the gradients and alive at once; `missed` gives the reason
    why an optimum is not proven. With a machine, `machine-order` gives what
    the chosen tree and that of the fewest multiply-adds take as scheduled and
    one after the other, and what was proven. `trace` writes a JSON file with, for each
    family, the tree that was chosen, the parts of its score, its bound, the
    reason why it is not proven, and the same of the other orders; with a
    machine, all trees that were scheduled, too.
  }];
  let options = [
    Option<"order", "order", "::fetta::ContractionOrder",
           "::fetta::ContractionOrder::CSSE", "Who decides the order", [{
      ::fetta::ContractionOrderValues()}]>,
    Option<"exactLimit", "exact-limit", "unsigned", "20",
           "Search exactly to this many operands, greedily beyond">,
    Option<"objective", "objective", "std::string", "\"flops\"",
           "What csse minimizes: flops, size, write, combo-N, or on a machine "
           "latency, energy or edp">,
    Option<"alternative", "alternative", "unsigned", "0",
           "On a machine, the next best tree by the model: 1 the second, 2 the "
           "third; the best one where no other comes close">,
    Option<"machine", "machine", "std::string", "",
           "Machine file (YAML) for an objective that takes one; without it, "
           "the machine that is attached to the module">,
    Option<"microBatches", "micro-batches", "uint64_t", "1",
           "Executions with the same parameters: contractions of parameters "
           "alone count once for all of them">,
    Option<"slice", "slice", "int64_t", "0",
           "Elements of the batch that run at a time: the tree is the best one "
           "for these; 0: for all">,
    Option<"storedPrice", "stored-price", "unsigned", "0",
           "Multiply-adds that an element stored for the gradients is worth">,
    Option<"storedLimit", "stored-limit", "int64_t", "-1",
           "Elements stored for the gradients of a family at most; -1: any">,
    Option<"extraFlops", "extra-flops", "double", "-1",
           "Store as little as possible with so many per cent more "
           "multiply-adds; -1: as many as it takes to have the fewest">,
    Option<"recompute", "recompute", "bool", "true",
           "Whether values may be computed again instead of stored, under one "
           "of the three options above">,
    Option<"smallestPeak", "smallest-peak", "bool", "false",
           "Order contractions for the fewest elements alive at once, not bp "
           "before wg">,
    Option<"traceFile", "trace", "std::string", "",
           "Write a JSON file with the reasons of all decisions">];
}

def TNNSetPrecisionPass : Pass<"tnn-set-precision", "::mlir::ModuleOp"> {
  let summary = "Give an f32 module bf16 operands";
  let description = [{
    Replaces f32 tensors by bf16 tensors throughout the functions of a module:
    operands of contractions are then bf16 while products accumulate in f32, as
    the machine computes. With `master-params` the arguments of role `param`
    stay f32 and are rounded at the start of the function. Run it first: before
    `tnn-expand-layers`, and before `tnn-differentiate`, which then keeps the
    gradients of parameters in f32.
  }];
  let options = [
    Option<"masterParams", "master-params", "bool", "false",
           "Keep parameters in f32 and round them inside the function">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def TNNSliceBatchPass : Pass<"tnn-slice-batch", "::mlir::func::FuncOp"> {
  let summary = "Cut contractions into slices over the batch";
  let description = [{
    For functions whose tensors do not fit a machine. The batch is the leading
    dimension of the first argument that is no parameter; it is followed through
    reshapes and einsums. Run it after `tnn-order-contractions`, so that the
    order is that of the whole batch.

    - Arguments with the batch are read by `tensor.extract_slice`, results with
      it put together by `tensor.insert_slice`.
    - Contractions that keep the batch run for every slice.
    - Sums over the batch in f32 (gradients of parameters) go on from slice to
      slice: `init` of `tnn.contract`, in the order of the slices. What needs
      such a total runs once after the last slice.
    - Sums over the batch in bf16 that further contractions read (the adjoint
      of a product of cores) stay apart: these contractions are linear, so each
      runs for every slice, down to a total in f32. The machine can round only
      what it drains, so a total cannot become a bf16 operand.
    - Contractions without the batch run once, before the first slice.

    Forward contractions are one slice ahead of the others, their arguments two:
    transfers overlap contractions, and the loss of a slice has time; `in-turn`
    writes slice after slice, which takes fewer rows. The slices are as equal as
    `ceil(batch / slices)` allows, the last one may be smaller. `batch` first
    makes it the function for another batch.

    With `modes` other modes are cut into pieces, too, each followed from the
    first contraction that names it (docs/Slicing.md). Contractions that hold one
    run for each piece; a sum over pieces goes on in f32 from piece to piece, and
    the last one rounds it where the result is bf16. What follows from parameters
    alone is computed for the pieces where they are first needed.

    Refused: reshapes that split or merge the batch, operations other than
    contractions, reshapes and casts, results that are sums over the batch in
    bf16, products of two sums over the batch.
  }];
  let options = [
    Option<"slices", "slices", "int64_t", "1", "Number of slices">,
    Option<"batch", "batch", "int64_t", "0",
           "Elements of the batch; 0: as many as the function has">,
    ListOption<"modes", "modes", "std::string",
               "Other modes to cut, MODE:PIECES each">,
    Option<"recompute", "recompute", "bool", "false",
           "Load and compute pieces of parameters again for each loop">,
    Option<"spill", "spill", "bool", "false",
           "Keep sums over the batch that have pieces in DRAM">,
    Option<"inTurn", "in-turn", "bool", "false",
           "Begin a slice when the one before it is done">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // FETTA_DIALECT_TNN_TRANSFORMS_PASSES_TD
