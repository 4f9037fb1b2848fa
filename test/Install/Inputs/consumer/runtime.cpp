// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads a machine file through the installed library.
#include <fetta/Machine/Machine.h>
#include <fetta/Support/Error.h>
#include <llvm/Support/raw_ostream.h>

int main(int argc, char **argv) {
  llvm::Expected<fetta::Machine> machine = fetta::Machine::load(argv[1]);
  if (!machine)
    return fetta::reportError("runtime", machine.takeError());
  llvm::outs() << "lanes: " << (1u << machine->laneBits()) << '\n';
  return fetta::Done;
}
