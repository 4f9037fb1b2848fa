//===- FettaOps.td -----------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Operations: transfers by host and DMA, contractions on the array, and routes.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_IR_FETTAOPS_TD
#define FETTA_DIALECT_FETTA_IR_FETTAOPS_TD

include "fetta/Dialect/Fetta/IR/FettaAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Fetta_PlaceOp : Fetta_Op<"place", [Pure]> {
  let summary = "the host places an argument in tensor memory";
  let description = [{
    The shape in tensor memory is any row-major reshape of the argument's: the
    host writes elements one by one, so a reshape of an argument costs nothing.
    An f32 argument may lie in memory as bf16; the host rounds it to nearest,
    ties to even.

    ```mlir
    %0 = fetta.place %x home <slab 0 row 96>
        : tensor<32x768xbf16> -> tensor<32x8x8x12xbf16, #layout>
    ```
  }];
  let arguments = (ins Fetta_Tensor:$source, OptionalAttr<Fetta_HomeAttr>:$home);
  let results = (outs Fetta_Tensor:$result);
  let assemblyFormat = [{
    $source (`home` $home^)? attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Fetta_CollectOp : Fetta_Op<"collect", [Pure]> {
  let summary = "the host collects a result from tensor memory";
  let description = [{
    The inverse of `fetta.place`; the collected shape is any row-major reshape.

    ```mlir
    %y = fetta.collect %3 : tensor<32x12x8x8xbf16, #layout> -> tensor<32x768xbf16>
    ```
  }];
  let arguments = (ins Fetta_Tensor:$source);
  let results = (outs Fetta_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Fetta_LoadOp : Fetta_Op<"load", [Pure]> {
  let summary = "DMA from a DRAM region to tensor memory";
  let description = [{
    Reads a tile of a row-major tensor in DRAM: an argument of the function, or
    what `fetta.store` made. `at` is the element where the tile begins,
    `strides` are elements between neighbours in each dimension of the result;
    without them the tile is dense and row-major (a slice over the leading
    dimension of the source). An f32 argument may be loaded as bf16: its region
    then holds bf16, and the host rounds it to nearest, ties to even.

    `blocks` say in which order the elements move, which values do not depend on
    (docs/Queues.md, section 2): so many indices of each of the first dimensions,
    the last entry so many of the flat row-major index of all others. Without
    them the order is row-major.

    In the body of `fetta.repeat` the tile of iteration n begins at
    `at` + n * `advance`; all of them lie in the source.

    ```mlir
    %0 = fetta.load %x at 98304 home <slab 3 row 96>
        : tensor<4096x768xbf16> -> tensor<128x8x8x12xbf16, #layout>
    %1 = fetta.load %x at 384 strides [768, 1] blocks [256, 32]
        sync <waits [s3 x 1]>
        : tensor<4096x768xbf16> -> tensor<4096x96xbf16, #layout1>
    ```
  }];
  let arguments = (ins Fetta_Tensor:$source, I64Attr:$at,
                       OptionalAttr<DenseI64ArrayAttr>:$strides,
                       OptionalAttr<Fetta_SyncAttr>:$sync,
                       OptionalAttr<Fetta_HomeAttr>:$home,
                       OptionalAttr<DenseI64ArrayAttr>:$blocks,
                       OptionalAttr<I64Attr>:$advance);
  let results = (outs Fetta_Tensor:$result);
  let assemblyFormat = [{
    $source `at` $at (`advance` $advance^)? (`strides` $strides^)? (`blocks` $blocks^)?
    (`sync` $sync^)? (`home` $home^)?
    attr-dict `:` type($source) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Elements between neighbours in each dimension of the tile.
    ::llvm::SmallVector<int64_t> getElementStrides();
    /// Elements by which the tile moves with every iteration of a repeat.
    int64_t getElementAdvance() {
      return getAdvanceAttr() ? getAdvanceAttr().getInt() : 0;
    }
  }];
  let hasVerifier = 1;
}

def Fetta_StoreOp : Fetta_Op<"store", [Pure, AllTypesMatch<["into", "result"]>]> {
  let summary = "DMA from tensor memory to a DRAM region";
  let description = [{
    `into` with the tile written over it, in place: what it stores into has no
    later use. A chain of stores begins with `tensor.empty`, which stands for a
    new region; the function returns the last of a chain, or loads from it (a
    spill). `at`, `strides`, `blocks` and `advance` are those of `fetta.load`; no two
    elements of the tile have one place. In the body of `fetta.repeat` a chain begins
    with a carried region.

    ```mlir
    %y0 = tensor.empty() : tensor<4096x768xbf16>
    %y1 = fetta.store %2 into %y0 at 0
        : tensor<128x12x8x8xbf16, #layout>, tensor<4096x768xbf16>
    %y2 = fetta.store %3 into %y1 at 98304 sync <signals [s4 x 1]>
        : tensor<128x12x8x8xbf16, #layout>, tensor<4096x768xbf16>
    ```
  }];
  let arguments = (ins Fetta_Tensor:$source, Fetta_Tensor:$into, I64Attr:$at,
                       OptionalAttr<DenseI64ArrayAttr>:$strides,
                       OptionalAttr<Fetta_SyncAttr>:$sync,
                       OptionalAttr<DenseI64ArrayAttr>:$blocks,
                       OptionalAttr<I64Attr>:$advance);
  let results = (outs Fetta_Tensor:$result);
  let assemblyFormat = [{
    $source `into` $into `at` $at (`advance` $advance^)? (`strides` $strides^)? (`blocks` $blocks^)?
    (`sync` $sync^)?
    attr-dict `:` type($source) `,` type($into)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$source, "::mlir::Value":$into,
                                 "int64_t":$at)>];
  let extraClassDeclaration = [{
    /// Elements between neighbours in each dimension of the tile.
    ::llvm::SmallVector<int64_t> getElementStrides();
    /// Elements by which the tile moves with every iteration of a repeat.
    int64_t getElementAdvance() {
      return getAdvanceAttr() ? getAdvanceAttr().getInt() : 0;
    }
  }];
  let hasVerifier = 1;
}

def Fetta_SyncOp : Fetta_Op<"sync"> {
  let summary = "an instruction that only waits and signals";
  let description = [{
    Stands in a queue like any other instruction. `fetta.load`, `fetta.store`
    and `fetta.contract` have tokens of their own (`sync`); this operation is
    for what exceeds them.

    ```mlir
    fetta.sync store <waits [s3 x 1] signals [s4 x 1]>
    ```
  }];
  let arguments = (ins Fetta_QueueAttr:$queue, Fetta_SyncAttr:$sync);
  let assemblyFormat = "$queue $sync attr-dict";
  let hasVerifier = 1;
}

def Fetta_RelabelOp : Fetta_Op<"relabel", [Pure]> {
  let summary = "a tensor in memory seen under another shape";
  let description = [{
    A row-major reshape that keeps every chunk/low split of the layout, so that
    no word moves and the view has the home of its source. The layout of the
    result follows from that of the source.

    ```mlir
    %1 = fetta.relabel %0 : tensor<32x12xbf16, #layout> -> tensor<32x3x4xbf16, #layout1>
    ```
  }];
  let arguments = (ins Fetta_Tensor:$source);
  let results = (outs Fetta_Tensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Fetta_ContractOp : Fetta_Op<"contract", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one contraction as a loop nest on the array";
  let description = [{
    Everything one contract instruction says, with modes by name: what the PEs
    hold, the index bit on every lane bit, the loops (outermost first) and the
    accumulator scope, accumulator rows, and lane bits that are visited in
    sub-beats. Sizes of modes come from the operands, layouts from the types.
    Operands are bf16; products accumulate in f32 in the order that the machine
    defines; a bf16 result is rounded once, when a tile drains.

    `home` (where the result lies) is set by `fetta-allocate-memory`, `routes`
    (of both operands and the result) by `fetta-route-networks`. `origin` is the
    place in the source (`file:line:column`) that reports speak of; it survives
    where locations are not printed. `sync` are its tokens.

    With `init` the sum of an element continues from its partial sum in loop
    order. An f32 result goes on in place: both lie in one home, that of `init`,
    which has no later use. A bf16 result, in which the sums end, has a home of
    its own; `init` lies as it does, in f32.

    ```mlir
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [k:2, -] row [k:0, k:1] column [n:0, n:1]>
        loops <scope [n x 3 by 4, b x 32 by 1]>
        accumulator <base 0 strides [3, 1]>
        routes [@route0, @route1, @route2] home <slab 2 row 0> phase fp
        : (tensor<32x8xbf16, #layout>, tensor<8x12xbf16, #layout1>) -> tensor<32x12xbf16, #layout2>
    %4 = fetta.contract "b k, b n -> k n" %0, %3 init(%sum) b_stationary ...
        : (tensor<32x8xbf16, #layout>, tensor<32x12xbf16, #layout2>, tensor<8x12xf32, #layout3>)
        -> tensor<8x12xf32, #layout3>
    ```
  }];
  let arguments = (ins
    StrAttr:$einsum, Fetta_Tensor:$lhs, Fetta_Tensor:$rhs,
    Optional<Fetta_Tensor>:$init,
    Fetta_DataflowAttr:$dataflow, Fetta_LaneTableAttr:$lanes,
    Fetta_LoopsAttr:$loops, Fetta_AccumulatorAttr:$accumulator,
    OptionalAttr<Fetta_SerialAttr>:$serial,
    OptionalAttr<TypedArrayAttrBase<FlatSymbolRefAttr, "names of routes">>:$routes,
    OptionalAttr<Fetta_SyncAttr>:$sync,
    OptionalAttr<Fetta_HomeAttr>:$home,
    DefaultValuedAttr<Fetta_PhaseAttr, "PhaseKind::Forward">:$phase,
    OptionalAttr<StrAttr>:$origin);
  let results = (outs Fetta_Tensor:$result);
  let assemblyFormat = [{
    $einsum $lhs `,` $rhs (`init` `(` $init^ `)`)? `` $dataflow `\n`
    ` ` ` ` ` ` ` ` `lanes` $lanes `\n`
    ` ` ` ` ` ` ` ` `loops` $loops `\n`
    ` ` ` ` ` ` ` ` `accumulator` $accumulator (`serial` $serial^)?
    (`routes` $routes^)? (`sync` $sync^)? (`home` $home^)? (`phase` `` $phase^)?
    (`origin` $origin^)? attr-dict `\n`
    ` ` ` ` ` ` ` ` `:` functional-type(operands, $result)
  }];
  let extraClassDeclaration = [{
    /// The value of an operand (0: lhs, 1: rhs) or the result (2).
    ::mlir::Value getTensor(unsigned operand);
    /// Whether the result overwrites the partial sums that it goes on from.
    bool isInPlace();
  }];
  let hasVerifier = 1;
}

def Fetta_RepeatOp : Fetta_Op<"repeat", [SingleBlock, RecursiveMemoryEffects]> {
  let summary = "operations that stand in a row several times";
  let description = [{
    The same as its body written out `count` times, at least twice. What one
    iteration leaves to the next is carried: `iter` binds each argument of the
    body to its initial value, `fetta.yield` says what the next iteration, or
    the result, takes in its place. Transfers move on with `advance`.

    Carried are values in tensor memory (no views) and regions in DRAM as chains
    of stores. The initial value, the argument, what is yielded and the result
    share one type and one home or region, so the initial value has no other
    use, and the argument none once its home is overwritten.

    The body is one block of `fetta.load`, `fetta.store`, `fetta.contract`,
    `fetta.relabel` and `fetta.sync`. It reads values from before the repeat as
    they are; what it overwrites is carried. Repeats do not nest.
    `fetta-unroll-repeats` writes them out.

    ```mlir
    %r:2 = fetta.repeat 508 iter(%sum = %3, %y = %y0)
        : tensor<8x12xf32, #layout>, tensor<4096x768xbf16> {
      %4 = fetta.load %x at 98304 advance 98304 home <slab 3 row 96>
          : tensor<4096x768xbf16> -> tensor<128x8x8x12xbf16, #layout1>
      ...
      %6 = fetta.contract "b k, b n -> k n" %4, %5 init(%sum) ...
      %7 = fetta.store %4 into %y at 0 advance 98304 : ...
      fetta.yield %6, %7 : tensor<8x12xf32, #layout>, tensor<4096x768xbf16>
    }
    ```
  }];
  let arguments = (ins I64Attr:$count, Variadic<Fetta_Tensor>:$inits);
  let results = (outs Variadic<Fetta_Tensor>:$results);
  let regions = (region SizedRegion<1>:$region);
  // The body gets its arguments; its operations and fetta.yield are added by
  // the caller.
  let builders = [OpBuilder<(ins "int64_t":$count, "::mlir::ValueRange":$inits)>];
  let extraClassDeclaration = [{
    YieldOp getYield();
  }];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Fetta_YieldOp : Fetta_Op<"yield", [Pure, Terminator, HasParent<"RepeatOp">]> {
  let summary = "what the next iteration of a repeat carries";
  let arguments = (ins Variadic<Fetta_Tensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Fetta_RouteOp : Fetta_Op<"route", [Symbol]> {
  let summary = "a route through a network";
  let description = [{
    The logical form is a map from lanes to banks, the physical form the switch
    words (two bits for each switch, stage-major, four switches a byte in
    hexadecimal) and for every bank bit the stages that it toggles.
    `fetta-route-networks` adds the physical form to the logical one;
    `fetta-lift-routes` derives the logical form from the words alone. Where
    both are present, they agree.

    ```mlir
    fetta.route @route0 distribution map <[l0, l2, 0]>
    fetta.route @route1 reduction words "00a050" masks [1, 2, 4]
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name, Fetta_NetKindAttr:$kind,
    OptionalAttr<Fetta_BitMapAttr>:$map,
    OptionalAttr<StrAttr>:$words, OptionalAttr<DenseI64ArrayAttr>:$masks);
  let assemblyFormat = [{
    $sym_name `` $kind (`map` $map^)? (`words` $words^)? (`masks` $masks^)? attr-dict
  }];
  let hasVerifier = 1;
}

#endif // FETTA_DIALECT_FETTA_IR_FETTAOPS_TD
