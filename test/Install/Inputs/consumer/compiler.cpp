// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses a module with the installed dialect.
#include <fetta/Dialect/TNN/IR/TNNDialect.h>
#include <mlir/IR/BuiltinOps.h>
#include <mlir/Parser/Parser.h>

int main() {
  mlir::MLIRContext context;
  context.loadDialect<fetta::tnn::TNNDialect>();
  context.allowUnregisteredDialects();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(
          "module attributes {consumer.e = #tnn.einsum<\"ab,bc->ac\">} {}",
          &context);
  if (!module)
    return 1;
  module->print(llvm::outs());
  return 0;
}
