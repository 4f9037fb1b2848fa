//===- FettaAttributes.td ----------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// The machine, layouts, and the parts of a loop nest as attributes.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_IR_FETTAATTRIBUTES_TD
#define FETTA_DIALECT_FETTA_IR_FETTAATTRIBUTES_TD

include "fetta/Dialect/Fetta/IR/FettaBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/TensorEncoding.td"

//===----------------------------------------------------------------------===//
// Enums; their order is that of the C++ enums of Layout, Network and Program
//===----------------------------------------------------------------------===//

def Fetta_Dataflow : I32Enum<"DataflowKind", "what the PEs hold", [
    I32EnumCase<"AStationary", 0, "a_stationary">,
    I32EnumCase<"BStationary", 1, "b_stationary">,
    I32EnumCase<"OutputStationary", 2, "output_stationary">]> {
  let cppNamespace = "::fetta::hw";
}
def Fetta_DataflowAttr : EnumAttr<Fetta_Dialect, Fetta_Dataflow, "dataflow">;

def Fetta_Phase : I32Enum<"PhaseKind", "phase of a training step", [
    I32EnumCase<"Forward", 0, "fp">,
    I32EnumCase<"Backward", 1, "bp">,
    I32EnumCase<"WeightGradient", 2, "wg">]> {
  let cppNamespace = "::fetta::hw";
}
def Fetta_PhaseAttr : EnumAttr<Fetta_Dialect, Fetta_Phase, "phase">;

def Fetta_NetKind : I32Enum<"RouteKind", "which way a network works", [
    I32EnumCase<"Distribution", 0, "distribution">,
    I32EnumCase<"Reduction", 1, "reduction">]> {
  let cppNamespace = "::fetta::hw";
}
def Fetta_NetKindAttr : EnumAttr<Fetta_Dialect, Fetta_NetKind, "net_kind">;

def Fetta_Queue : I32Enum<"QueueKind", "an in-order queue of instructions", [
    I32EnumCase<"Contract", 0, "contract">,
    I32EnumCase<"Load", 1, "load">,
    I32EnumCase<"Store", 2, "store">,
    I32EnumCase<"Vector", 3, "vector">]> {
  let cppNamespace = "::fetta::hw";
}
def Fetta_QueueAttr : EnumAttr<Fetta_Dialect, Fetta_Queue, "queue">;

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Fetta_MachineAttr : Fetta_Attr<"Machine", "machine"> {
  let summary = "parameters of the machine a module is for";
  let description = [{
    The canonical form of a machine file: every parameter once, sorted by name.
    `fetta-attach-machine` sets it; a machine file is easier to edit.

    ```mlir
    module attributes {fetta.machine = #fetta.machine<ce_bits = 6, ...>} {}
    ```
  }];
  let parameters = (ins StringRefParameter<"canonical JSON">:$json);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let genMnemonicAlias = 1;
  let extraClassDeclaration = [{
    static MachineAttr get(::mlir::MLIRContext *context,
                           const ::fetta::Machine &machine);
    /// Lives as long as the context.
    const ::fetta::Machine &getMachine() const;
  }];
}

def Fetta_LayoutAttr : Fetta_Attr<"Layout", "layout",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "how a tensor lies in tensor memory";
  let description = [{
    The encoding of a tensor in tensor memory. `banks` lists, lowest bank bit
    first, which bit of which dimension is this bit of the bank number, or a
    constant; `rows` lists for each dimension the rows between neighbouring
    chunks. An index splits as `chunk * 2^b + low`, where `b` is the number of
    bits of its dimension among `banks`.

    ```mlir
    // Bank bits 0-1 are bits 0-1 of dimension 2, bank bit 2 is bit 0 of
    // dimension 0, bank bit 3 is always 0.
    tensor<4x3x12xbf16, #fetta.layout<banks [d2:0, d2:1, d0:0, 0] rows [9, 3, 1]>>
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"::fetta::BankBit">:$banks,
    ArrayRefParameter<"int64_t">:$rowStrides);
  let hasCustomAssemblyFormat = 1;
  let genMnemonicAlias = 1;
  let extraClassDeclaration = [{
    static LayoutAttr get(::mlir::MLIRContext *context,
                          const ::fetta::Layout &layout);
    /// The layout of a tensor of this shape; one size for each row stride.
    ::fetta::Layout getLayout(::llvm::ArrayRef<int64_t> shape) const;
  }];
}

def Fetta_HomeAttr : Fetta_Attr<"Home", "home"> {
  let summary = "where in tensor memory a value begins";
  let parameters = (ins "int64_t":$slab, "int64_t":$row);
  let assemblyFormat = "`<` `slab` $slab `row` $row `>`";
}

def Fetta_LaneTableAttr : Fetta_Attr<"LaneTable", "lanes"> {
  let summary = "the index bit on every lane bit";
  let description = [{
    One entry for each CE, PE-row and PE-column bit, lowest first: a mode and a
    bit of its index, or `-` for a lane bit that carries nothing.
  }];
  let parameters = (ins
    ArrayRefParameter<"NamedBit">:$ce,
    ArrayRefParameter<"NamedBit">:$row,
    ArrayRefParameter<"NamedBit">:$column);
  let hasCustomAssemblyFormat = 1;
}

def Fetta_LoopsAttr : Fetta_Attr<"Loops", "loops"> {
  let summary = "a loop nest, outermost loop first";
  let description = [{
    `i x 3 by 4` is a loop of 3 iterations that each move mode `i` by 4. The
    loops after `scope` lie inside an accumulator scope: the accumulators are
    cleared where it begins and drained where it ends. Without loops outside,
    the scope is the whole nest.
  }];
  let parameters = (ins
    ArrayRefParameter<"NamedLoop", "loops outside the scope">:$outer,
    ArrayRefParameter<"NamedLoop", "loops inside the scope">:$inner);
  let hasCustomAssemblyFormat = 1;
}

def Fetta_AccumulatorAttr : Fetta_Attr<"Accumulator", "accumulator"> {
  let summary = "accumulator rows of a result";
  let description = [{
    Row = base + sum over the dimensions of the result of (chunk - chunk where
    the scope begins) * stride.
  }];
  let parameters = (ins "int64_t":$base,
                        OptionalArrayRefParameter<"int64_t">:$strides);
  let assemblyFormat = "`<` `base` $base `strides` ` ` `[` (`]`) : ($strides^ `]`)? `>`";
}

def Fetta_SerialAttr : Fetta_Attr<"Serial", "serial"> {
  let summary = "lane bits that are visited in sub-beats";
  let description = [{
    For each operand and the result the lane bits of its network that are
    visited one after another: those whose index bit is no bank bit of the
    layout (a bank conflict), and on a butterfly those that it cannot route at
    once. Each doubles the cycles of a beat.
  }];
  let parameters = (ins "uint32_t":$lhs, "uint32_t":$rhs, "uint32_t":$result);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    bool isNone() const { return !getLhs() && !getRhs() && !getResult(); }
  }];
}

def Fetta_SyncAttr : Fetta_Attr<"Sync", "sync"> {
  let summary = "tokens that an instruction waits for and signals";
  let description = [{
    `s3 x 2` are two tokens of semaphore 3. The instruction issues when every
    wait finds its tokens, which it takes; it adds those of its signals when it
    and all earlier instructions of its queue have completed
    (docs/Queues.md, section 1).

    ```mlir
    #fetta.sync<waits [s3 x 2] signals [s0 x 1, s5 x 1]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"Token">:$waits,
                        ArrayRefParameter<"Token">:$signals);
  let assemblyFormat = "`<` custom<Tokens>($waits, $signals) `>`";
  let genVerifyDecl = 1;
}

def Fetta_BitMapAttr : Fetta_Attr<"BitMap", "map"> {
  let summary = "affine map over GF(2) from lanes to banks";
  let description = [{
    The logical form of a route: for each bank bit, lowest first, the lane bits
    whose parity it is, and a constant. `[l2, 0, l0 xor l1 xor 1]` reads bank bit 0
    from lane bit 2 and keeps bank bit 1 at 0.
  }];
  let parameters = (ins ArrayRefParameter<"uint32_t">:$rows,
                        "uint32_t":$constant);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static BitMapAttr get(::mlir::MLIRContext *context,
                          const ::fetta::BitMap &map);
    ::fetta::BitMap getMap() const;
  }];
}

#endif // FETTA_DIALECT_FETTA_IR_FETTAATTRIBUTES_TD
