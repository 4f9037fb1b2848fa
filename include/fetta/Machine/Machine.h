//===- Machine.h - Parameters of the modelled accelerator -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The one home of every number of the machine. Verifiers, mapper, router,
/// encoder and simulator ask this object; none keeps a copy of its own. Values
/// come from a machine file (YAML, units in key names); docs/Machine.md says
/// what each means and where its default comes from.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MACHINE_MACHINE_H
#define FETTA_MACHINE_MACHINE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fetta {

/// A Benes network has 2p-1 stages and passes every permutation; a butterfly
/// has p stages and passes the maps whose leading principal minors are
/// non-singular. A Benes is two butterflies back to back that share a stage.
enum class NetworkTopology : uint8_t { Benes, Butterfly };

/// How operands cross a contraction engine.
enum class CEStyle : uint8_t { Broadcast, Systolic };

/// Latencies in cycles, unless the name says otherwise.
struct Latencies {
  int64_t memoryRead = 2;
  int64_t switchStagesPerCycle = 4; ///< Stages of 2x2 switches in one cycle.
  int64_t multiply = 1;
  int64_t columnAdd = 1;    ///< Per PE row of the column chain.
  int64_t reductionAdd = 1; ///< Per adding stage of the reduction network.
  int64_t accumulate = 1;
  int64_t convertWrite = 2;
  int64_t fp32Add = 1; ///< Distance of beats on one accumulator word.
};

struct Machine {
  std::string name;

  unsigned ceBits = 6;       ///< c: 2^c contraction engines (CEs).
  unsigned peRowBits = 2;    ///< r: 2^r PE rows in a CE.
  unsigned peColumnBits = 2; ///< q: 2^q PE columns in a CE.
  CEStyle ceStyle = CEStyle::Broadcast;

  int64_t slabs = 4;
  int64_t rowsPerSlab = 2048;
  int64_t accumulatorRows = 128; ///< Of one half; there are two halves.

  NetworkTopology networks = NetworkTopology::Benes;
  int64_t routeSlots = 16;         ///< Per network.
  int64_t routeBytesPerCycle = 32; ///< Per network.

  Latencies latency;
  int64_t vectorLanes = 64;

  int64_t dramBytesPerSecond = 25600000000;
  int64_t dramLatencyCycles = 100;
  int64_t dramBurstBytes = 64;
  int64_t stagingRows = 64; ///< Rows of the staging buffer of each DMA engine.

  int64_t clockHz = 1000000000;
  std::string energyPreset; ///< Name of a file in machines/energy.

  /// Where each value comes from, by its key in the machine file; "assumed"
  /// where nothing public says it. Empty for a machine that came from JSON.
  std::map<std::string, std::string> sources;

  /// max(r, q): bits of a position inside a CE.
  unsigned positionBits() const { return std::max(peRowBits, peColumnBits); }
  /// p: bits of a lane or bank number. Lane = CE * 2^positionBits + position.
  unsigned laneBits() const { return ceBits + positionBits(); }
  /// P = 2^p: lanes of each network and banks (words) of a memory row.
  int64_t lanes() const { return int64_t(1) << laneBits(); }
  int64_t peRows() const { return int64_t(1) << peRowBits; }
  int64_t peColumns() const { return int64_t(1) << peColumnBits; }
  int64_t ces() const { return int64_t(1) << ceBits; }
  /// Processing elements: multiply-adds per cycle at peak.
  int64_t pes() const { return ces() * peRows() * peColumns(); }

  /// 2p-1 for a Benes, p for a butterfly.
  unsigned networkStages() const {
    return networks == NetworkTopology::Benes ? 2 * laneBits() - 1 : laneBits();
  }
  /// Cycles a word takes through a distribution network.
  int64_t distributionCycles() const {
    return int64_t(
        llvm::divideCeil(networkStages(), latency.switchStagesPerCycle));
  }
  /// Cycles through the reduction network: p adding stages, and the stages
  /// that only switch at switchStagesPerCycle a cycle.
  int64_t reductionCycles() const {
    return int64_t(laneBits()) * latency.reductionAdd +
           int64_t(llvm::divideCeil(networkStages() - laneBits(),
                                    latency.switchStagesPerCycle));
  }
  /// Cycles from a word's arrival at an accumulator to the sum: a slow adder is
  /// in the pipeline once, where the accumulate latency has no room for it.
  int64_t accumulationCycles() const {
    return std::max(latency.accumulate, latency.fp32Add);
  }
  /// Cycles from the read of an operand row to the accumulated word in tensor
  /// memory: 24 for fetta-edge.
  int64_t pipelineCycles() const {
    return latency.memoryRead + distributionCycles() + latency.multiply +
           peRows() * latency.columnAdd + reductionCycles() +
           accumulationCycles() + latency.convertWrite;
  }

  /// Reads a machine file. Unknown, missing, repeated and impossible keys are
  /// errors that name file, line, column and the remedy.
  static llvm::Expected<Machine> load(llvm::StringRef path);
  /// The same from text; `name` stands for the file in messages.
  static llvm::Expected<Machine> parse(llvm::StringRef text,
                                       llvm::StringRef name);
  /// Keys of a machine file but `name`, in the order of docs/Machine.md.
  static std::vector<llvm::StringRef> keys();
  /// Sets a parameter from its text in a machine file. Errors: no such key
  /// (names the nearest), a value that is out of range by itself; check() looks
  /// at them together.
  llvm::Error set(llvm::StringRef key, llvm::StringRef text);
  /// The text of a parameter; the key must exist.
  std::string get(llvm::StringRef key) const;
  /// Refuses impossible combinations (e.g. more than 12 lane bits).
  llvm::Error check() const;
  /// Sorted keys, integers only: equal machines give equal text.
  std::string canonicalJson() const;
  /// The inverse of canonicalJson; checks the result.
  static llvm::Expected<Machine> fromJson(llvm::StringRef json);
  /// 64-bit hash of canonicalJson without the name.
  uint64_t fingerprint() const;
};

/// Every parameter with its source, and the figures that follow from them
/// (lanes, stages, memory sizes, the terms of the pipeline): what
/// `fetta-sim machine FILE --explain` prints.
void describe(const Machine &machine, llvm::raw_ostream &os);

} // namespace fetta

#endif // FETTA_MACHINE_MACHINE_H
