//===- Layout.cpp - How a tensor lies in tensor memory --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Layout/Layout.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cassert>
#include <limits>

using namespace fetta;

int64_t Layout::rowOf(llvm::ArrayRef<int64_t> index) const {
  assert(index.size() == dims.size() && "one index per dimension");
  int64_t row = 0;
  for (auto [dim, i] : llvm::zip_equal(dims, index))
    row += (i >> dim.lowBits) * dim.rowStride;
  return row;
}

uint32_t Layout::bankOf(llvm::ArrayRef<int64_t> index) const {
  assert(index.size() == dims.size() && "one index per dimension");
  uint32_t bank = 0;
  for (auto [j, b] : llvm::enumerate(banks)) {
    bool set = b.source ? (index[b.source->mode] >> b.source->bit & 1) != 0
                        : b.constant;
    bank |= uint32_t(set) << j;
  }
  return bank;
}

int64_t Layout::rows() const {
  int64_t last = 0;
  for (const DimLayout &dim : dims)
    last += (dim.chunks() - 1) * dim.rowStride;
  return last + 1;
}

int64_t Layout::elements() const {
  int64_t product = 1;
  for (const DimLayout &dim : dims)
    product *= dim.size;
  return product;
}

namespace {

template <typename... Ts>
llvm::Error error(const char *format, const Ts &...values) {
  return llvm::createStringError(std::errc::invalid_argument, format,
                                 values...);
}

/// Chunks lie in mixed-radix order: sorted by stride, every stride steps over
/// all rows of the smaller ones. So no two chunks meet in a row.
llvm::Error verifyRows(llvm::ArrayRef<DimLayout> dims) {
  llvm::SmallVector<unsigned, 6> order;
  for (unsigned d = 0; d < dims.size(); ++d)
    if (dims[d].chunks() > 1)
      order.push_back(d);
  llvm::stable_sort(order, [&](unsigned a, unsigned b) {
    return dims[a].rowStride < dims[b].rowStride;
  });
  int64_t span = 1; // Rows that the dimensions so far cover.
  for (unsigned d : order) {
    const DimLayout &dim = dims[d];
    if (dim.rowStride < span)
      return error("dimension %u: row stride %lld is too small: its %lld "
                   "chunks need a stride of at least %lld, the rows that the "
                   "dimensions with smaller strides take",
                   d, (long long)dim.rowStride, (long long)dim.chunks(),
                   (long long)span);
    int64_t reach;
    if (llvm::MulOverflow(dim.chunks() - 1, dim.rowStride, reach) ||
        llvm::AddOverflow(span, reach, span))
      return error("dimension %u: the number of rows exceeds 63 bits", d);
  }
  return llvm::Error::success();
}

} // namespace

llvm::Error Layout::verify(unsigned bankBits) const {
  if (banks.size() != bankBits)
    return error("the layout names %u bank bits, the machine has %u",
                 unsigned(banks.size()), bankBits);
  int64_t product = 1;
  for (auto [d, dim] : llvm::enumerate(dims)) {
    if (dim.size < 1)
      return error("dimension %u: size %lld is not positive", unsigned(d),
                   (long long)dim.size);
    if (llvm::MulOverflow(product, dim.size, product))
      return error("dimension %u: the number of elements exceeds 63 bits",
                   unsigned(d));
    if (dim.lowBits > bankBits)
      return error("dimension %u: %u low bits, but only %u bank bits",
                   unsigned(d), dim.lowBits, bankBits);
  }
  for (auto [j, bank] : llvm::enumerate(banks)) {
    if (!bank.source)
      continue;
    ModeBit s = *bank.source;
    if (s.mode >= dims.size())
      return error("bank bit %u: there is no dimension %u (of %u)", unsigned(j),
                   s.mode, unsigned(dims.size()));
    if (s.bit >= dims[s.mode].lowBits)
      return error("bank bit %u: bit %u of dimension %u is not among its %u "
                   "low bits",
                   unsigned(j), s.bit, s.mode, dims[s.mode].lowBits);
    for (unsigned k = 0; k < j; ++k)
      if (banks[k].source == s)
        return error("dimension %u: bit %u is on bank bits %u and %u", s.mode,
                     s.bit, k, unsigned(j));
  }
  for (auto [d, dim] : llvm::enumerate(dims))
    for (unsigned bit = 0; bit < dim.lowBits; ++bit)
      if (llvm::none_of(banks, [&, d = unsigned(d)](const BankBit &b) {
            return b.source == ModeBit{d, bit};
          }))
        return error("dimension %u: low bit %u is on no bank bit", unsigned(d),
                     bit);
  return verifyRows(dims);
}

Layout Layout::packed(llvm::ArrayRef<int64_t> sizes,
                      llvm::ArrayRef<BankBit> banks,
                      llvm::ArrayRef<unsigned> rowOrder) {
  assert(rowOrder.size() == sizes.size() && "an order of all dimensions");
  Layout layout;
  layout.banks.assign(banks.begin(), banks.end());
  for (int64_t size : sizes)
    layout.dims.push_back({size, 0, 0});
  for (const BankBit &bank : banks)
    if (bank.source)
      ++layout.dims[bank.source->mode].lowBits;
  int64_t stride = 1;
  for (unsigned d : llvm::reverse(rowOrder)) {
    DimLayout &dim = layout.dims[d];
    if (dim.chunks() == 1)
      continue;
    dim.rowStride = stride;
    stride *= dim.chunks();
  }
  return layout;
}

Layout Layout::permuted(llvm::ArrayRef<unsigned> permutation) const {
  assert(permutation.size() == dims.size() &&
         "a permutation of all dimensions");
  Layout result;
  result.banks = banks;
  llvm::SmallVector<unsigned, 6> position(dims.size());
  for (auto [i, d] : llvm::enumerate(permutation)) {
    result.dims.push_back(dims[d]);
    position[d] = unsigned(i);
  }
  for (BankBit &bank : result.banks)
    if (bank.source)
      bank.source->mode = position[bank.source->mode];
  return result;
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

namespace {

/// A dimension with the bank bit of each low bit: what relabeling keeps.
struct Piece {
  int64_t size = 1;
  int64_t rowStride = 0;
  llvm::SmallVector<unsigned, 8> banks; ///< Of low bits 0, 1, ...

  bool oneChunk() const { return size <= int64_t(1) << banks.size(); }
};

/// Low bits that are always 0 count as constants of the layout.
Piece makePiece(const Layout &layout, unsigned d) {
  Piece piece;
  piece.size = layout.dims[d].size;
  piece.rowStride = layout.dims[d].rowStride;
  unsigned used = std::min<unsigned>(layout.dims[d].lowBits,
                                     llvm::Log2_64_Ceil(uint64_t(piece.size)));
  for (unsigned bit = 0; bit < used; ++bit)
    for (auto [j, bank] : llvm::enumerate(layout.banks))
      if (bank.source == ModeBit{d, bit})
        piece.banks.push_back(unsigned(j));
  return piece;
}

/// The dimension `outer * inner.size + inner`, if it splits into chunk and low
/// bits. Both sizes exceed 1.
std::optional<Piece> merge(const Piece &outer, const Piece &inner) {
  int64_t low = int64_t(1) << inner.banks.size();
  Piece result = inner;
  result.size = outer.size * inner.size;
  if (inner.size == low) {
    // The inner dimension is all low bits; the outer one continues them.
    result.banks.append(outer.banks.begin(), outer.banks.end());
    result.rowStride = outer.rowStride;
    return result;
  }
  // The inner dimension ends in chunks; the outer one continues those.
  if (outer.banks.empty() && inner.size % low == 0 &&
      outer.rowStride == inner.rowStride * (inner.size / low))
    return result;
  return std::nullopt;
}

/// Splits off the inner `size` values; `piece` keeps the outer part.
std::optional<Piece> splitInner(Piece &piece, int64_t size) {
  Piece inner;
  inner.size = size;
  int64_t low = int64_t(1) << piece.banks.size();
  if (size <= low && llvm::isPowerOf2_64(uint64_t(size))) {
    unsigned bits = llvm::Log2_64(uint64_t(size));
    inner.banks.assign(piece.banks.begin(), piece.banks.begin() + bits);
    piece.banks.erase(piece.banks.begin(), piece.banks.begin() + bits);
  } else if (size % low == 0) {
    inner.banks = std::move(piece.banks);
    inner.rowStride = piece.rowStride;
    piece.banks.clear();
    piece.rowStride *= size / low;
  } else {
    return std::nullopt;
  }
  piece.size /= size;
  return inner;
}

} // namespace

std::optional<Layout> fetta::relabel(const Layout &layout,
                                     llvm::ArrayRef<int64_t> to) {
  if (llvm::equal(llvm::map_range(layout.dims,
                                  [](const DimLayout &d) { return d.size; }),
                  to))
    return layout;
  Layout result;
  for (const BankBit &bank : layout.banks)
    result.banks.push_back({std::nullopt, !bank.source && bank.constant});
  for (int64_t size : to)
    result.dims.push_back({size, 0, 0});
  auto place = [&](unsigned d, const Piece &piece) {
    result.dims[d].lowBits = unsigned(piece.banks.size());
    result.dims[d].rowStride = piece.oneChunk() ? 0 : piece.rowStride;
    for (auto [bit, j] : llvm::enumerate(piece.banks))
      result.banks[j].source = ModeBit{d, unsigned(bit)};
  };
  // From the innermost dimension outwards, in the smallest groups of both
  // shapes that hold the same number of elements. A shape with a boundary
  // inside a dimension of the other has that dimension's split to respect, so
  // a group must be a single dimension in between.
  int d = int(layout.dims.size()) - 1, t = int(to.size()) - 1;
  while (true) {
    while (d >= 0 && layout.dims[d].size == 1)
      --d;
    while (t >= 0 && to[t] == 1)
      --t;
    if (d < 0 || t < 0)
      break;
    Piece piece = makePiece(layout, unsigned(d--));
    int first = t;
    int64_t product = to[t--];
    while (product != piece.size) {
      if (product < piece.size) {
        while (t >= 0 && to[t] == 1)
          --t;
        if (t < 0 || llvm::MulOverflow(product, to[t], product))
          return std::nullopt;
        --t;
        continue;
      }
      while (d >= 0 && layout.dims[d].size == 1)
        --d;
      if (d < 0)
        return std::nullopt;
      std::optional<Piece> merged =
          merge(makePiece(layout, unsigned(d--)), piece);
      if (!merged)
        return std::nullopt;
      piece = *merged;
    }
    for (int i = first; i > t; --i) {
      if (to[i] == 1)
        continue;
      if (to[i] == piece.size) {
        place(unsigned(i), piece);
        break;
      }
      std::optional<Piece> inner = splitInner(piece, to[i]);
      if (!inner)
        return std::nullopt;
      place(unsigned(i), *inner);
    }
  }
  if (d >= 0 || t >= 0)
    return std::nullopt; // Different numbers of elements.
  return result;
}

llvm::Error fetta::verifyBlocks(llvm::ArrayRef<int64_t> blocks,
                                llvm::ArrayRef<DimLayout> dims) {
  if (blocks.size() > dims.size())
    return makeError("{0} blocks for {1} dimensions", blocks.size(),
                     dims.size());
  for (auto [d, block] : llvm::enumerate(blocks)) {
    bool last = d + 1 == blocks.size();
    int64_t size = dims[d].size;
    if (last)
      for (const DimLayout &dim : dims.drop_front(d + 1))
        size *= dim.size;
    if (block < 1 || block > size)
      return makeError("block {0} has {1} indices; {2} {0}{3} has {4}", d,
                       block, last ? "from dimension" : "dimension",
                       last ? " on the tensor" : "", size);
  }
  return llvm::Error::success();
}

void fetta::print(llvm::raw_ostream &os, const Layout &layout) {
  os << '[';
  llvm::interleaveComma(layout.banks, os, [&](const BankBit &bank) {
    if (bank.source)
      os << 'd' << bank.source->mode << ':' << bank.source->bit;
    else
      os << (bank.constant ? '1' : '0');
  });
  os << "] rows (";
  bool first = true;
  for (auto [d, dim] : llvm::enumerate(layout.dims)) {
    if (dim.chunks() == 1)
      continue;
    if (!first)
      os << " + ";
    first = false;
    if (dim.rowStride != 1)
      os << dim.rowStride << '*';
    os << 'd' << d;
    if (dim.lowBits)
      os << '/' << (int64_t(1) << dim.lowBits);
  }
  os << (first ? "0)" : ")");
}
