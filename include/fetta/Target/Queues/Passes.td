//===- Passes.td -------------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Passes that decide when instructions run: docs/Queues.md.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_TARGET_QUEUES_PASSES_TD
#define FETTA_TARGET_QUEUES_PASSES_TD

include "mlir/Pass/PassBase.td"

def FettaAssignSemaphoresPass
    : Pass<"fetta-assign-semaphores", "::mlir::ModuleOp"> {
  let summary = "Order the queues by semaphores";
  let description = [{
    Gives loads, stores and contractions the waits and signals (`sync`) without
    which two queues could access a row of tensor memory or an element of DRAM in
    the wrong order, or a gradient could be loaded before the loss has seen the
    result. The order wanted is that of the block. There is one semaphore from
    each queue to each other, and no token for what already follows from the
    order within queues and from other tokens. Contractions need none among
    themselves: the machine makes them wait row by row.

    Wants homes (`fetta-allocate-memory`), because rows that are used again order
    loads after contractions. A program that has tokens already keeps them.
  }];
}

def FettaBlockTransfersPass
    : Pass<"fetta-block-transfers", "::mlir::ModuleOp"> {
  let summary = "Choose the blocks in which transfers walk";
  let description = [{
    Gives loads and stores the `blocks` with which they hold the DRAM link and
    the slab for the fewest cycles: so many indices at a time as share rows of
    tensor memory, in runs of whole bursts, so that rows leave the staging buffer
    only when they are complete (docs/Queues.md, section 2). Where a walk in
    row-major order is as good, the transfer keeps it. Values do not depend on
    blocks. A transfer that has blocks keeps them.
  }];
}

def FettaScheduleQueuesPass
    : Pass<"fetta-schedule-queues", "::mlir::ModuleOp"> {
  let summary = "Decide in which order instructions go to their queues";
  let description = [{
    Reorders the block of every program by a list schedule of the array and the
    DRAM link, with the cycles of each contraction, the latency of the pipeline,
    and bytes, bandwidth and latency of each transfer. A contraction that waits
    for a result does not follow it at once; a contraction that needs the
    gradient of a result stays behind those that write the result. Loads come in
    the order of need, and of an argument that is loaded in parts few are there
    before they are used; a store follows its contraction when the link is free.
    The order is never longer than that of the source, neither with the DRAM of
    the machine nor with transfers that take no time, as far as the schedule
    knows: it does not see slabs, rows that are used again, and staging buffers.
    With `dram=ideal` the order is for transfers that take no time, and only
    its length with these counts.
    Small programs whose array waits a lot are then run row by row, order by
    order (docs/Queues.md, section 5).
  }];
  let options = [
    Option<"window", "window", "unsigned", /*default=*/"24",
           "Contractions that one may overtake; keeps values short-lived">,
    Option<"ahead", "ahead", "unsigned", /*default=*/"4",
           "Parts of one argument that may be loaded before they are used">,
    Option<"fill", "fill", "unsigned", /*default=*/"80",
           "Per cent of tensor memory up to which to load ahead">,
    Option<"steady", "steady", "bool", /*default=*/"false",
           "Order slices that repeat alike where that is about as short">,
    Option<"dram", "dram", "::fetta::LinkModel", "::fetta::LinkModel::Tasks",
           "The DRAM for which the order is chosen", [{
      ::llvm::cl::values(
        clEnumValN(::fetta::LinkModel::Tasks, "bandwidth",
                   "That of the machine, weighed together with an ideal one"),
        clEnumValN(::fetta::LinkModel::Ideal, "ideal",
                   "Transfers take no time"))}]>
  ];
}

#endif // FETTA_TARGET_QUEUES_PASSES_TD
