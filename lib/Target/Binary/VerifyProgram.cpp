//===- VerifyProgram.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Target/Binary/Binary.h"
#include "fetta/Target/Binary/Passes.h"
#include "llvm/ADT/SetVector.h"

#include <map>
#include <queue>

namespace fetta {
#define GEN_PASS_DEF_FETTAVERIFYPROGRAMPASS
#include "fetta/Target/Binary/Passes.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Whether values that live at the same time share a row. The values that are
/// alive are followed in time.
static bool sharesRows(const TensorMemoryUse &memory) {
  std::vector<unsigned> order(memory.live.size());
  std::iota(order.begin(), order.end(), 0u);
  llvm::stable_sort(order, [&](unsigned a, unsigned b) {
    return memory.live[a].begin < memory.live[b].begin;
  });
  using Place = std::pair<int64_t, int64_t>;
  using End = std::pair<int64_t, Place>;
  std::map<Place, int64_t> alive; ///< Slab and first row; the row behind.
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  for (unsigned number : order) {
    const LiveValue &value = memory.live[number];
    for (; !ends.empty() && ends.top().first < value.begin; ends.pop())
      alive.erase(ends.top().second);
    Place place(value.fixed->slab, value.fixed->row);
    auto next = alive.lower_bound(place);
    if (next != alive.end() && next->first.first == place.first &&
        next->first.second < place.second + value.rows)
      return true;
    if (next != alive.begin()) {
      auto &[before, end] = *std::prev(next);
      if (before.first == place.first && end > place.second)
        return true;
    }
    alive.emplace_hint(next, place, place.second + value.rows);
    ends.push({value.end, place});
  }
  return false;
}

/// Rule 1: homes are set, and no two values that live at the same time share a
/// row.
static LogicalResult verifyHomes(Block &block) {
  TensorMemoryUse memory(block);
  for (Operation *op : memory.homes)
    if (!getHome(op->getResult(0)))
      return op->emitOpError()
             << "has no home in tensor memory; run fetta-allocate-memory";
  if (!sharesRows(memory))
    return success();
  auto place = [&](unsigned value) { return *memory.live[value].fixed; };
  std::vector<unsigned> order(memory.homes.size());
  std::iota(order.begin(), order.end(), 0u);
  llvm::stable_sort(order, [&](unsigned a, unsigned b) {
    return std::pair(place(a).slab, place(a).row) <
           std::pair(place(b).slab, place(b).row);
  });
  for (size_t i = 0; i < order.size(); ++i) {
    const LiveValue &low = memory.live[order[i]];
    int64_t end = place(order[i]).row + low.rows;
    for (size_t j = i + 1; j < order.size(); ++j) {
      const LiveValue &high = memory.live[order[j]];
      if (place(order[i]).slab != place(order[j]).slab ||
          place(order[j]).row >= end)
        break;
      if (high.begin > low.end || low.begin > high.end)
        continue;
      Operation *first = memory.homes[std::min(order[i], order[j])];
      Operation *second = memory.homes[std::max(order[i], order[j])];
      auto rows = [](Operation *op) {
        HomeAttr home = getHome(op->getResult(0));
        return std::pair(home.getRow(),
                         home.getRow() +
                             getPhysicalRows(cast<RankedTensorType>(
                                 op->getResult(0).getType())) -
                             1);
      };
      InFlightDiagnostic diag =
          second->emitOpError()
          << "overlaps another tensor in slab " << place(order[j]).slab
          << ": rows " << rows(second).first << " to " << rows(second).second;
      diag.attachNote(first->getLoc())
          << "rows " << rows(first).first << " to " << rows(first).second
          << " are taken here";
      return diag;
    }
  }
  return success();
}

namespace {
/// Rule 3. Gradients of results arrive in arguments called `d_<result>`. Where
/// they are loaded from DRAM, slice by slice perhaps, the checks of the loader
/// say when; the host places all of them at once.
class PhaseRule {
public:
  LogicalResult verify(FunctionOpInterface function);

private:
  LogicalResult visit(Block &block);
  LogicalResult visit(RepeatOp repeat);
  LogicalResult visit(ContractOp op, bool needs);
  /// `to` needs what `from` does.
  void follow(Value to, Value from) {
    if (needsGradient.contains(from))
      needsGradient.insert(to);
    if (needsPlaced.contains(from))
      needsPlaced.insert(to);
  }

  llvm::DenseSet<Value> needsGradient, needsPlaced;
  ContractOp firstBackward;
};
} // namespace

LogicalResult PhaseRule::verify(FunctionOpInterface function) {
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      tnn::kNameAttr);
    if (!name || !name.getValue().starts_with("d_"))
      continue;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      auto result = dyn_cast_or_null<StringAttr>(
          function.getResultAttr(i, tnn::kNameAttr));
      if (name.getValue().drop_front(2) ==
          (result ? result.str() : "result" + std::to_string(i)))
        needsGradient.insert(argument);
    }
  }
  return visit(function.getFunctionBody().front());
}

LogicalResult PhaseRule::visit(Block &block) {
  for (Operation &op : block) {
    if (auto repeat = dyn_cast<RepeatOp>(op)) {
      if (failed(visit(repeat)))
        return failure();
      continue;
    }
    bool needs = llvm::any_of(op.getOperands(), [&](Value operand) {
      return needsGradient.contains(operand);
    });
    bool placed = needs && (isa<PlaceOp>(op) ||
                            llvm::any_of(op.getOperands(), [&](Value operand) {
                              return needsPlaced.contains(operand);
                            }));
    if (needs)
      needsGradient.insert_range(op.getResults());
    if (placed)
      needsPlaced.insert_range(op.getResults());
    if (auto contract = dyn_cast<ContractOp>(op);
        contract && failed(visit(contract, needs)))
      return failure();
  }
  return success();
}

LogicalResult PhaseRule::visit(RepeatOp repeat) {
  Block &body = *repeat.getBody();
  for (auto [argument, init] :
       llvm::zip_equal(body.getArguments(), repeat.getInits()))
    follow(argument, init);
  // The second iteration comes after the first, whose values it may carry.
  size_t known = 0;
  for (unsigned iteration = 0;
       iteration < 2 || known != needsGradient.size() + needsPlaced.size();
       ++iteration) {
    known = needsGradient.size() + needsPlaced.size();
    if (failed(visit(body)))
      return failure();
    for (auto [argument, yielded] :
         llvm::zip_equal(body.getArguments(), repeat.getYield().getValues()))
      follow(argument, yielded);
  }
  for (auto [result, argument] :
       llvm::zip_equal(repeat.getResults(), body.getArguments()))
    follow(result, argument);
  return success();
}

LogicalResult PhaseRule::visit(ContractOp op, bool needs) {
  if (needs && op.getPhase() == PhaseKind::Forward)
    return op.emitOpError()
           << "is of phase fp but needs the gradient of a result";
  if (needsPlaced.contains(op.getResult()) && !firstBackward)
    firstBackward = op;
  if (firstBackward && op.getPhase() == PhaseKind::Forward) {
    InFlightDiagnostic diag =
        op.emitOpError()
        << "of phase fp comes after one that needs the gradient of a result";
    diag.attachNote(firstBackward.getLoc()) << "the gradient is needed here";
    return diag;
  }
  return success();
}

namespace {
struct VerifyProgramPass
    : fetta::impl::FettaVerifyProgramPassBase<VerifyProgramPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (!function.isExternal() && failed(verify(function)))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult verify(FunctionOpInterface function) {
    FailureOr<Block *> block = getProgramBlock(function);
    if (failed(block) || (*block && failed(verifyHomes(**block))))
      return failure();
    FailureOr<Program> program = exportProgram(function);
    if (failed(program) || failed(PhaseRule().verify(function)))
      return failure();
    if (llvm::Error error = verifyProgram(*program))
      return function.emitError() << llvm::toString(std::move(error));
    return success();
  }
};
} // namespace
