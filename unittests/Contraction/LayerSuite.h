//===- LayerSuite.h - Tensorized layers and their known optima --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Forward einsums of tensorized layers (X first, then the cores) with the
/// multiply-adds of one phase at the optimum. The optima were established
/// outside of this project's code, by two other solvers that agree: the
/// connected-only and the outer-product search of cotengrust, with their
/// figures kept to the digits given.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_CONTRACTION_LAYERSUITE_H
#define FETTA_UNITTESTS_CONTRACTION_LAYERSUITE_H

namespace fetta::test {

struct KnownOptimum {
  const char *name;
  const char *einsum;
  const char *sizes;
  double optimum;  ///< Multiply-adds, rounded to \c digits.
  unsigned digits; ///< Significant digits of the published figure.
};

/// Shapes of published layers and synthetic ones of 4096 features.
inline const KnownOptimum layerSuite[] = {
#define FETTA_LAYER(name, einsum, sizes, optimum, digits, source)              \
  {name, einsum, sizes, optimum, digits},
#include "../../models/Suite.def"
};

/// Plain decompositions, as shipped with einsum_ir.
inline const KnownOptimum decompositions[] = {
    {"TT_COIL100", "af,fbg,gch,hdi,ie->abcde",
     "a=100,b=72,c=128,d=128,e=3,f=71,g=305,h=32,i=3", 1.980485e10, 7},
    {"FCTN", "aefg,behi,cfhj,dgij->abcd",
     "a=60,b=60,c=20,d=20,e=8,f=8,g=8,h=8,i=8,j=8", 1.536819e9, 7},
    {"tensor_wheel", "aefi,bfgj,cghk,dhel,ijkl->abcd",
     "a=40,b=40,c=20,d=20,e=6,f=6,g=6,h=6,i=4,j=4,k=4,l=4", 1.525248e8, 7},
    {"GETD", "aib,bjc,ckd,dle,ema->ijklm",
     "a=40,b=40,c=40,d=40,e=40,i=25,j=25,k=25,l=25,m=25", 1.6705e10, 5},
    {"TRN", "Babcd,aij,bik,ckl,dlm,ejp,fop,gno,hmn->Befgh",
     "B=128,a=4,b=7,c=4,d=7,e=3,f=4,g=5,h=5,i=50,j=50,k=50,l=50,m=50,n=50,"
     "o=50,p=50",
     4.81005e8, 6},
};

/// Cases on which well-known searches go wrong (numbers of opt_einsum issues).
inline const KnownOptimum adversarial[] = {
    {"issue_248", "iP,sP,PQ,jQ,tQ,ti,sj->",
     "i=300,j=300,s=50,t=50,P=2000,Q=2000", 4.64015e8, 6},
    {"issue_254", "bgk,bkd,bk->bgd", "b=64,g=8,k=4096,d=128", 2.70533e8, 6},
    {"issue_243", "a,c,d,db,ab,cb,ac,cd,ad,b->dbc", "a=2,b=2,c=2,d=2", 64, 2},
    {"documentation", "xyf,xtf,ytpf,fr->tpr", "x=35,y=37,f=59,t=51,p=51,r=27",
     1.371803e7, 7},
    {"issue_103", "mn,nr,fcr,nh,octh->oftm",
     "m=8,n=10,r=3,f=100,c=300,h=10,o=100,t=75", 2.5359e9, 5},
    {"issue_132",
     "bc,bd,be,bf,bg,bh,bi,bj,bk,cm,mdn,neo,ofp,pgzq,qhr,ris,sjt,tk->bz",
     "b=512,c=2,d=2,e=2,f=2,g=2,h=2,i=2,j=2,k=2,m=7,n=7,o=7,p=7,q=7,r=7,s=7,"
     "t=7,z=10",
     6.79096e5, 6},
};

} // namespace fetta::test

#endif // FETTA_UNITTESTS_CONTRACTION_LAYERSUITE_H
