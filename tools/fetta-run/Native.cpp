//===- Native.cpp - Compilation for the host ------------------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Native.h"
#include "fetta/Support/Error.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/ExecutionEngine/ExecutionEngine.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;

namespace fetta {

// What each part is for:
// - results become buffers of the caller, so that nothing has to be freed here;
// - bf16 is expanded into integer operations: hosts with bf16 instructions
//   flush subnormals when they truncate, and others call a routine that the
//   system's compiler runtime need not have.
static constexpr const char *bufferization =
    "convert-elementwise-to-linalg,"
    "one-shot-bufferize{bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map},"
    "buffer-results-to-out-params{hoist-static-allocs "
    "modify-public-functions},"
    "buffer-deallocation-pipeline";
static constexpr const char *lowering =
    "func.func(convert-linalg-to-loops),"
    "canonicalize,cse,"
    "math-extend-to-supported-types,"
    "arith-emulate-unsupported-floats{source-types=bf16 target-type=f32},"
    "expand-strided-metadata,lower-affine,"
    "func.func(arith-expand{include-bf16}),"
    "convert-scf-to-cf,"
    "convert-math-to-llvm,convert-math-to-libm,"
    "func.func(llvm-request-c-wrappers),"
    "convert-to-llvm,reconcile-unrealized-casts";

LogicalResult lowerToLLVM(ModuleOp module, StringRef function) {
  // Names and roles have served; LLVM would warn about what it does not know.
  module.walk([](func::FuncOp op) {
    op.removeArgAttrsAttr();
    op.removeResAttrsAttr();
  });

  auto run = [&](const Twine &pipeline) -> LogicalResult {
    PassManager passes(module.getContext());
    if (failed(parsePassPipeline(pipeline.str(), passes)))
      return failure();
    return passes.run(module);
  };
  if (failed(run("symbol-privatize{exclude=" + function + "},symbol-dce," +
                 bufferization)))
    return failure();
  // The copy of a strided buffer would call a routine of MLIR's runtime.
  module.walk([](memref::CopyOp copy) {
    OpBuilder builder(copy);
    linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
    copy.erase();
  });
  return run(lowering);
}

/// The memref descriptor of a row-major tensor: allocated pointer, aligned
/// pointer, offset, sizes, strides.
static std::vector<int64_t> makeDescriptor(HostTensor &tensor) {
  ArrayRef<int64_t> shape = tensor.type.getShape();
  int64_t pointer = reinterpret_cast<intptr_t>(tensor.bytes.data());
  std::vector<int64_t> descriptor(3 + 2 * shape.size());
  descriptor[0] = descriptor[1] = pointer;
  llvm::copy(shape, descriptor.begin() + 3);
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0; stride *= shape[i])
    descriptor[3 + shape.size() + i] = stride;
  return descriptor;
}

llvm::Error callFunction(ModuleOp module, StringRef function,
                         MutableArrayRef<HostTensor> tensors,
                         unsigned optimizationLevel) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());

  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  auto machine = builder->createTargetMachine();
  if (!machine)
    return machine.takeError();
  ExecutionEngineOptions options;
  auto transformer = makeOptimizingTransformer(optimizationLevel,
                                               /*sizeLevel=*/0, machine->get());
  options.transformer = transformer;
  options.jitCodeGenOptLevel =
      static_cast<llvm::CodeGenOptLevel>(optimizationLevel);
  options.enableGDBNotificationListener = false;
  options.enablePerfNotificationListener = false;
  auto engine = ExecutionEngine::create(module, options, std::move(*machine));
  if (!engine)
    return engine.takeError();
  (*engine)->initialize();

  // The C wrapper takes a pointer to each descriptor; the engine's own wrapper
  // takes pointers to these pointers.
  std::vector<std::vector<int64_t>> descriptors;
  for (HostTensor &tensor : tensors)
    descriptors.push_back(makeDescriptor(tensor));
  std::vector<int64_t *> pointers;
  for (std::vector<int64_t> &descriptor : descriptors)
    pointers.push_back(descriptor.data());
  SmallVector<void *> arguments;
  for (int64_t *&pointer : pointers)
    arguments.push_back(&pointer);
  return (*engine)->invokePacked(("_mlir_ciface_" + function).str(), arguments);
}

} // namespace fetta
