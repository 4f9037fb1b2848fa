//===- FettaBase.td ----------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// The fetta dialect itself and the base classes of its attributes and ops.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_IR_FETTABASE_TD
#define FETTA_DIALECT_FETTA_IR_FETTABASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Fetta_Dialect : Dialect {
  let name = "fetta";
  let cppNamespace = "::fetta::hw";
  let summary = "Contractions mapped to the array of contraction engines";
  let description = [{
    What the machine does, in value semantics: the host places arguments in
    tensor memory, contractions run as loop nests on the array, the host
    collects results. A value in tensor memory is a builtin tensor whose
    encoding is its bit layout (`#fetta.layout`). The machine is the attribute
    `fetta.machine` of the module, so that no verifier and no reproducer reads
    a file.

    A function passes through four states, each of which is checked as far as it
    goes: mapped (`convert-tnn-to-fetta`), allocated (every value in tensor
    memory has a `home`), routed (every contraction names its three routes and
    the routes hold switch words), verified (`fetta-verify-program`).
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();

    /// What many operations share and verifiers of all of them ask for, worked
    /// out once: machines, and contractions that were found right.
    struct Memo;
    Memo &getMemo() const { return *memo; }

  private:
    std::shared_ptr<Memo> memo;

  public:
  }];
}

class Fetta_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Fetta_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

class Fetta_Op<string mnemonic, list<Trait> traits = []>
    : Op<Fetta_Dialect, mnemonic, traits>;

/// What the host and the machine hold. StaticShapeTensorOf<[F32, BF16]> is the
/// same, but asks through interfaces: the verifier asks for every operand of
/// long programs after each pass.
def Fetta_Tensor
    : Type<And<[CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">,
                CPred<"::llvm::cast<::mlir::RankedTensorType>($_self)"
                      ".hasStaticShape()">,
                CPred<"::llvm::isa<::mlir::Float32Type, "
                      "::mlir::BFloat16Type>(::llvm::cast<"
                      "::mlir::RankedTensorType>($_self).getElementType())">]>,
           "statically shaped tensor of 32-bit float or bfloat16 type values",
           "::mlir::RankedTensorType">;

#endif // FETTA_DIALECT_FETTA_IR_FETTABASE_TD
