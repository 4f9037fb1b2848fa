//===- Sections.cpp - Decodes the sections of a container -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContainerFormat.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;
using namespace fetta::container;
using llvm::Twine;

namespace {

/// A FlatBuffer may point to one table from many places. Then a small file
/// would decode to a large program; so what is taken out of a section is
/// counted against its size.
class Budget {
public:
  explicit Budget(const SectionData &section) : left(section.bytes.size()) {}
  template <typename T> void take(const flatbuffers::Vector<T> *vector) {
    take(uint64_t(vector->size()) * sizeof(T));
  }
  void take(const flatbuffers::String *string) { take(string->size()); }
  void take(uint64_t bytes) {
    exceeded |= bytes > left;
    left -= std::min(bytes, left);
  }
  bool exceeded = false;

private:
  uint64_t left;
};

template <typename T>
llvm::Expected<const T *> rootOf(const SectionData &section) {
  // Tables are at least 8 bytes long, so the limit on tables follows from the
  // size; depth is 3 in every section.
  flatbuffers::Verifier verifier(section.bytes.data(), section.bytes.size(),
                                 /*max_depth=*/8,
                                 /*max_tables=*/section.bytes.size() / 8 + 1);
  if (section.bytes.size() < 8 || !verifier.VerifyBuffer<T>(nullptr))
    return refuse(LoadCode::SectionTable, section, "malformed FlatBuffer");
  return flatbuffers::GetRoot<T>(section.bytes.data());
}

/// The FlatBuffers verifier looks at the alignment of a vector's length, not at
/// that of its elements.
template <typename Vector> bool isAligned(const Vector *vector) {
  return vector->size() == 0 ||
         reinterpret_cast<uintptr_t>(vector->Data()) % 8 == 0;
}

llvm::Error shared(const SectionData &section) {
  return refuse(LoadCode::SectionShared, section,
                "it decodes to more than its " + Twine(section.bytes.size()) +
                    " bytes");
}

} // namespace

llvm::Error container::decodeMachine(const SectionData &section,
                                     Program &program) {
  auto root = rootOf<MachineSection>(section);
  if (!root)
    return root.takeError();
  std::string json = (*root)->json()->str();
  llvm::Expected<Machine> machine = Machine::fromJson(json);
  if (!machine)
    return refuse(LoadCode::MachineText, section,
                  llvm::toString(machine.takeError()));
  if (machine->canonicalJson() != json)
    return refuse(LoadCode::MachineText, section,
                  "the machine description is not in canonical form");
  if (machine->fingerprint() != (*root)->fingerprint())
    return refuse(LoadCode::Fingerprint, section,
                  "fingerprint " + Twine::utohexstr((*root)->fingerprint()) +
                      ", but that of its machine description is " +
                      Twine::utohexstr(machine->fingerprint()));
  program.machine = std::move(*machine);
  return llvm::Error::success();
}

llvm::Error container::decodeTensors(const SectionData &section,
                                     Program &program) {
  auto root = rootOf<TensorSection>(section);
  if (!root)
    return root.takeError();
  Budget budget(section);
  for (auto [i, t] : llvm::enumerate(*(*root)->tensors())) {
    auto refused = [&, i = i](Twine what) {
      return refuse(LoadCode::TensorEntry, section,
                    "tensor " + Twine(i) + ": " + what);
    };
    budget.take(t->name());
    budget.take(t->shape());
    budget.take(uint64_t(t->dims()->size()) * sizeof(Dim));
    budget.take(uint64_t(t->banks()->size()) * sizeof(Bank));
    if (budget.exceeded)
      return shared(section);
    if (!isAligned(t->shape()) || !isAligned(t->dims()))
      return refuse(LoadCode::SectionTable, section, "misaligned vector");
    TensorEntry entry;
    entry.name = t->name()->str();
    entry.shape.assign(t->shape()->begin(), t->shape()->end());
    if (t->element_type() > uint8_t(ElementType::F32))
      return refused("unknown element type");
    entry.elementType = ElementType(t->element_type());
    if (t->role() > uint8_t(TensorRole::Temporary))
      return refused("unknown role");
    entry.role = TensorRole(t->role());
    for (const Dim *dim : *t->dims()) {
      if (dim->low_bits() > 63)
        return refused("more than 63 low bits");
      entry.layout.dims.push_back(
          {dim->size(), unsigned(dim->low_bits()), dim->row_stride()});
    }
    for (const Bank *bank : *t->banks()) {
      BankBit bit;
      if (bank->kind() > 2)
        return refused("a bank bit is of an unknown kind");
      if (bank->kind() == 2)
        bit.source = ModeBit{bank->dim(), bank->bit()};
      else if (bank->dim() || bank->bit())
        return refused("a constant bank bit names an index bit");
      bit.constant = bank->kind() == 1;
      entry.layout.banks.push_back(bit);
    }
    entry.slab = t->slab();
    entry.baseRow = t->base_row();
    program.tensors.push_back(std::move(entry));
  }
  return llvm::Error::success();
}

llvm::Error container::decodeRegions(const SectionData &section,
                                     Program &program) {
  auto root = rootOf<RegionSection>(section);
  if (!root)
    return root.takeError();
  Budget budget(section);
  for (auto [i, r] : llvm::enumerate(*(*root)->regions())) {
    auto refused = [&, i = i](Twine what) {
      return refuse(LoadCode::RegionEntry, section,
                    "region " + Twine(i) + ": " + what);
    };
    budget.take(r->name());
    budget.take(r->shape());
    if (budget.exceeded)
      return shared(section);
    if (!isAligned(r->shape()))
      return refuse(LoadCode::SectionTable, section, "misaligned vector");
    DramRegion region;
    region.name = r->name()->str();
    region.shape.assign(r->shape()->begin(), r->shape()->end());
    if (r->element_type() > uint8_t(ElementType::F32))
      return refused("unknown element type");
    region.elementType = ElementType(r->element_type());
    if (r->role() > uint8_t(TensorRole::Temporary))
      return refused("unknown role");
    region.role = TensorRole(r->role());
    region.byteAddress = r->byte_address();
    program.regions.push_back(std::move(region));
  }
  return llvm::Error::success();
}

llvm::Error container::decodeRoutes(const SectionData &section,
                                    Program &program) {
  auto root = rootOf<RouteSection>(section);
  if (!root)
    return root.takeError();
  Budget budget(section);
  for (auto [i, r] : llvm::enumerate(*(*root)->routes())) {
    auto refused = [&, i = i](Twine what) {
      return refuse(LoadCode::RouteEntry, section,
                    "route " + Twine(i) + ": " + what);
    };
    budget.take(r->codes());
    budget.take(r->masks());
    if (budget.exceeded)
      return shared(section);
    fetta::Route route;
    if (r->topology() > uint8_t(NetworkTopology::Butterfly) ||
        r->kind() > uint8_t(NetKind::Reduction) || r->bits() == 0 ||
        r->bits() > 12)
      return refused("no such network");
    route.wiring.topology = NetworkTopology(r->topology());
    route.wiring.kind = NetKind(r->kind());
    route.wiring.bits = r->bits();
    uint64_t switches =
        uint64_t(route.wiring.stages()) * route.wiring.switches();
    uint64_t packed = llvm::divideCeil(switches, 4);
    if (r->codes()->size() != packed)
      return refused(Twine(r->codes()->size()) + " bytes of switch codes; " +
                     Twine(packed) + " are needed");
    llvm::ArrayRef<uint8_t> codes(r->codes()->data(), r->codes()->size());
    unpackCodes(codes, route);
    if (llvm::ArrayRef<uint8_t>(packCodes(route)) != codes)
      return refused("bits behind the last switch code are set");
    if (r->masks()->size() != 0 && r->masks()->size() != r->bits())
      return refused(Twine(r->masks()->size()) + " masks for " +
                     Twine(r->bits()) + " bank bits");
    for (uint32_t mask : *r->masks()) {
      if (mask >> r->bits())
        return refused("a mask names a stage that cannot be toggled");
      route.masks.push_back(mask);
    }
    program.routes.push_back(std::move(route));
  }
  return llvm::Error::success();
}

llvm::Error container::decodeOps(const SectionData &section, Program &program) {
  auto root = rootOf<OpSection>(section);
  if (!root)
    return root.takeError();
  Budget budget(section);
  for (auto [i, op] : llvm::enumerate(*(*root)->ops())) {
    budget.take(op->name());
    budget.take(op->einsum());
    budget.take(op->location());
    if (budget.exceeded)
      return shared(section);
    if (op->phase() > uint8_t(Phase::WeightGradient))
      return refuse(LoadCode::OpEntry, section,
                    "operation " + Twine(i) + ": unknown phase");
    program.ops.push_back({op->name()->str(), op->einsum()->str(),
                           op->location()->str(), Phase(op->phase())});
  }
  return llvm::Error::success();
}
