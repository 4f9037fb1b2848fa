//===- Picture.cpp - A layout for the reader ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace fetta;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Columns of text that a picture may take.
static constexpr size_t maxWidth = 100;
/// More rows are cut in the middle.
static constexpr int64_t maxRows = 6;

namespace {

class Picture {
public:
  Picture(const Layout &layout, ArrayRef<std::string> names)
      : layout(layout), names(names) {}

  std::string draw() {
    ruler();
    rowFormula();
    grid();
    return std::move(text);
  }

private:
  std::string name(unsigned d) const {
    return d < names.size() ? names[d] : "d" + std::to_string(d);
  }

  /// Which index bit every bank bit is, highest first as in a number.
  void ruler() {
    std::string numbers = "  bank bit", bits = "          ";
    for (size_t j = layout.banks.size(); j-- > 0;) {
      const BankBit &bank = layout.banks[j];
      std::string bit = bank.constant ? "1" : "0";
      if (bank.source)
        bit = name(bank.source->mode) + ":" + std::to_string(bank.source->bit);
      std::string number = std::to_string(j);
      size_t width = std::max(bit.size(), number.size());
      numbers += " " + number + std::string(width - number.size(), ' ');
      bits += " " + bit + std::string(width - bit.size(), ' ');
    }
    os << llvm::StringRef(numbers).rtrim() << '\n'
       << llvm::StringRef(bits).rtrim() << '\n';
  }

  void rowFormula() {
    os << "  row = ";
    bool first = true;
    for (auto [d, dim] : llvm::enumerate(layout.dims)) {
      if (dim.chunks() == 1)
        continue;
      os << (first ? "" : " + ");
      first = false;
      if (dim.rowStride != 1)
        os << dim.rowStride << '*';
      os << name(unsigned(d));
      if (dim.lowBits)
        os << '/' << (int64_t(1) << dim.lowBits);
    }
    os << (first ? "0\n" : "\n");
  }

  /// The element in a word, or "-" where there is none.
  std::string element(int64_t row, int64_t bank) const {
    SmallVector<int64_t, 8> index(layout.dims.size(), 0);
    for (auto [j, bit] : llvm::enumerate(layout.banks)) {
      bool set = bank >> j & 1;
      if (bit.source)
        index[bit.source->mode] |= int64_t(set) << bit.source->bit;
      else if (set != bit.constant)
        return "-";
    }
    auto order = llvm::to_vector<8>(llvm::seq<unsigned>(0, layout.dims.size()));
    llvm::stable_sort(order, [&](unsigned a, unsigned b) {
      return layout.dims[a].rowStride > layout.dims[b].rowStride;
    });
    for (unsigned d : order) {
      const DimLayout &dim = layout.dims[d];
      if (dim.chunks() == 1)
        continue;
      index[d] += row / dim.rowStride << dim.lowBits;
      row %= dim.rowStride;
    }
    std::string result;
    for (auto [d, dim] : llvm::enumerate(layout.dims)) {
      if (index[d] >= dim.size)
        return "-";
      result += (d ? "," : "") + std::to_string(index[d]);
    }
    return row == 0 ? result : "-";
  }

  void grid() {
    int64_t banks = int64_t(1) << layout.banks.size(), rows = layout.rows();
    SmallVector<int64_t, 8> shown;
    for (int64_t row = 0; row < rows; ++row)
      if (rows <= maxRows || row < maxRows - 2 || row == rows - 1)
        shown.push_back(row);
    // As many words of a row as fit.
    for (int64_t cells = std::min<int64_t>(16, banks);; cells /= 2) {
      std::vector<std::vector<std::string>> table;
      size_t width = 0;
      for (int64_t row : shown) {
        table.emplace_back();
        for (int64_t cell = 0; cell < cells; ++cell) {
          table.back().push_back(element(row, cell * (banks / cells)));
          width = std::max(width, table.back().back().size());
        }
      }
      width = std::max(width, std::to_string(banks - 1).size());
      if (cells > 1 && 10 + size_t(cells) * (width + 1) > maxWidth)
        continue;
      std::string heading = "  row/bank";
      for (int64_t cell = 0; cell < cells; ++cell)
        heading += " " + pad(std::to_string(cell * (banks / cells)), width);
      os << llvm::StringRef(heading).rtrim() << '\n';
      for (auto [i, row] : llvm::enumerate(shown)) {
        if (i > 0 && shown[i - 1] + 1 < row)
          os << "       ...\n";
        std::string line = llvm::formatv("{0,10}", row).str();
        for (const std::string &cell : table[i])
          line += " " + pad(cell, width);
        os << llvm::StringRef(line).rtrim() << '\n';
      }
      return;
    }
  }

  static std::string pad(std::string cell, size_t width) {
    cell.resize(std::max(width, cell.size()), ' ');
    return cell;
  }

  const Layout &layout;
  ArrayRef<std::string> names;
  std::string text;
  llvm::raw_string_ostream os{text};
};

} // namespace

std::string fetta::drawLayout(const Layout &layout,
                              ArrayRef<std::string> names) {
  return Picture(layout, names).draw();
}
