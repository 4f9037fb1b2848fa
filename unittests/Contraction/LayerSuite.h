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
    {"TT_ATIS", "abcd,ef,fgh,hij,jbk,kcl,ld->aegi",
     "a=1024,b=8,c=8,d=12,e=12,g=8,i=8,f=12,h=12,j=12,k=12,l=12", 1.91232e7, 6},
    {"TTM_embedding", "abcd,ebf,fgch,hid->aegi",
     "a=32,b=10,c=10,d=10,e=12,g=8,i=8,f=30,h=30", 5.33760e7, 6},
    {"TTM_VGG", "abcdefg,hbi,ijck,kldm,mneo,opfq,qrg->ahjlnpr",
     "a=32,b=2,c=7,d=8,e=8,f=7,g=4,h=4,j=4,l=4,n=4,p=4,r=4,i=4,k=4,m=4,o=4,"
     "q=4",
     1.027712e8, 7},
    {"TT_UCF", "abcde,fg,ghi,ijk,klm,mbn,nco,odp,pe->afhjl",
     "a=128,b=8,c=20,d=20,e=18,f=4,h=4,j=4,l=4,g=4,i=4,k=4,m=4,n=4,o=4,p=4",
     2.976499e7, 7},
    {"TTM_UCF", "abcde,fbg,ghci,ijdk,kle->afhjl",
     "a=128,b=8,c=20,d=20,e=18,f=4,h=4,j=4,l=4,g=4,i=4,k=4", 2.438349e8, 7},
    {"TR_UCF",
     "abcdefghi,jkl,lmn,nop,pqr,rst,tbu,ucv,vdw,wex,xfy,ygz,zhA,Aij->akmoqs",
     "a=128,b=4,c=2,d=5,e=8,f=6,g=5,h=3,i=2,k=4,m=4,o=2,q=4,s=2,j=5,l=5,n=5,"
     "p=5,r=5,t=5,u=5,v=5,w=5,x=5,y=5,z=5,A=5",
     1.859127e8, 7},
    {"TRN_LeNet", "abcde,fgh,hij,jkl,lmn,nbo,ocp,pdq,qef->agikm",
     "a=128,b=4,c=7,d=4,e=7,g=3,i=4,k=5,m=5,f=50,h=50,j=50,l=50,n=50,o=50,"
     "p=50,q=50",
     4.810050e8, 7},
    {"HT_UCF", "abcde,fbg,hci,gij,kdl,men,lno,jo->afhkm",
     "a=128,b=8,c=20,d=20,e=18,f=4,h=4,k=4,m=4,g=4,i=4,j=4,l=4,n=4,o=4",
     2.333560e8, 7},
    {"TK_UCF", "abcde,fg,hi,jk,lm,bn,co,dp,eq,gikmnopq->afhjl",
     "a=128,b=8,c=20,d=20,e=18,f=4,h=4,j=4,l=4,g=4,i=4,k=4,m=4,n=4,o=4,p=4,"
     "q=4",
     4.574413e7, 7},
    {"BT_UCF", "abcde,fgbh,ficj,fkdl,fmen,fhjln->agikm",
     "a=128,b=8,c=20,d=20,e=18,g=4,i=4,k=4,m=4,f=2,h=4,j=4,l=4,n=4", 5.759795e8,
     7},
    {"TT_4096_d4", "abcde,fg,ghi,ijk,klm,mbn,nco,odp,pe->afhjl",
     "a=2048,b=8,c=8,d=8,e=8,f=8,h=8,j=8,l=8,g=16,i=16,k=16,m=16,n=16,o=16,"
     "p=16",
     2.708275e8, 7},
    {"TT_4096_d6",
     "abcdefg,hi,ijk,klm,mno,opq,qrs,sbt,tcu,udv,vew,wfx,xg->ahjlnpr",
     "a=2048,b=4,c=4,d=4,e=4,f=4,g=4,h=4,j=4,l=4,n=4,p=4,r=4,i=32,k=32,m=32,"
     "o=32,q=32,s=32,t=32,u=32,v=32,w=32,x=32",
     5.469962e8, 7},
    {"TTM_4096_d6", "abcdefg,hbi,ijck,kldm,mneo,opfq,qrg->ahjlnpr",
     "a=2048,b=4,c=4,d=4,e=4,f=4,g=4,h=4,j=4,l=4,n=4,p=4,r=4,i=32,k=32,m=32,"
     "o=32,q=32",
     3.436865e10, 7},
    {"TR_4096_d4", "abcde,fgh,hij,jkl,lmn,nbo,ocp,pdq,qef->agikm",
     "a=2048,b=8,c=8,d=8,e=8,g=8,i=8,k=8,m=8,f=16,h=16,j=16,l=16,n=16,o=16,"
     "p=16,q=16",
     4.329570e9, 7},
    {"HT_4096_d8",
     "abcdefghi,jbk,lcm,kmn,odp,qer,prs,nst,ufv,wgx,vxy,zhA,BiC,ACD,yDE,tE->"
     "ajloquwzB",
     "a=2048,b=4,c=4,d=4,e=4,f=2,g=2,h=2,i=2,j=2,l=2,o=2,q=2,u=4,w=4,z=4,B=4,"
     "k=8,m=8,n=8,p=8,r=8,s=8,t=8,v=8,x=8,y=8,A=8,C=8,D=8,E=8",
     1.610715e9, 7},
    {"TK_4096_d4", "abcde,fg,hi,jk,lm,bn,co,dp,eq,gikmnopq->afhjl",
     "a=2048,b=8,c=8,d=8,e=8,f=8,h=8,j=8,l=8,g=8,i=8,k=8,m=8,n=8,o=8,p=8,q=8",
     3.489661e10, 7},
    {"BT_4096", "abcde,fgbh,ficj,fkdl,fmen,fhjln->agikm",
     "a=2048,b=8,c=8,d=8,e=8,g=8,i=8,k=8,m=8,f=4,h=4,j=4,l=4,n=4", 1.932735e10,
     7},
    {"CP_4096", "abcde,fg,hg,ig,jg,bg,cg,dg,eg->afhij",
     "a=2048,b=8,c=8,d=8,e=8,f=8,h=8,i=8,j=8,g=64", 1.074282e9, 7},
    {"TT_4096_d8mix",
     "abcdefghi,jk,klm,mno,opq,qrs,stu,uvw,wxy,ybz,zcA,AdB,BeC,CfD,DgE,EhF,Fi"
     "->ajlnprtvx",
     "a=512,b=4,c=2,d=2,e=4,f=4,g=4,h=2,i=2,j=2,l=2,n=4,p=4,r=4,t=2,v=2,x=4,"
     "k=8,m=8,o=8,q=8,s=8,u=8,w=8,y=8,z=8,A=8,B=8,C=8,D=8,E=8,F=8",
     3.397888e7, 7},
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
