// RUN: fetta-opt %s --verify-diagnostics --split-input-file

func.func @no_arrow(%a: tensor<4x5xf32>) {
  // expected-error @+1 {{einsum "i j" should have one '->' between operands and result}}
  %0 = tnn.einsum "i j" %a : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @two_arrows(%a: tensor<4x5xf32>) {
  // expected-error @+1 {{einsum "i j->i->j" should have one '->' between operands and result}}
  %0 = tnn.einsum "i j->i->j" %a : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return
}

// -----

// expected-error @+1 {{einsum "i 0j -> i": '0j' is not the name of a mode}}
func.func private @mode_name() attributes {e = #tnn.einsum<"i 0j -> i">}

// -----

// expected-error @+1 {{einsum "i1,j->ij": '1' is not the name of a mode; without spaces every mode is a single letter, with spaces it is a name}}
func.func private @sugar_name() attributes {e = #tnn.einsum<"i1,j->ij">}

// -----

// expected-error @+1 {{einsum "i i -> i": mode 'i' appears twice in operand #0 ("i i"); take the diagonal before the einsum}}
func.func private @diagonal() attributes {e = #tnn.einsum<"ii->i">}

// -----

// expected-error @+1 {{einsum "i j, j k -> i i": mode 'i' appears twice in the result ("i i")}}
func.func private @twice_in_result() attributes {e = #tnn.einsum<"ij,jk->ii">}

// -----

// expected-error @+1 {{einsum "i j, j k -> i l": mode 'l' of the result appears in no operand}}
func.func private @unknown_mode() attributes {e = #tnn.einsum<"ij,jk->il">}

// -----

// expected-error @+1 {{einsum "i j, j k -> i": mode 'k' appears only in operand #1 ("j k") and not in the result; sum it before the einsum}}
func.func private @dangling() attributes {e = #tnn.einsum<"ij,jk->i">}

// -----

func.func @number_of_operands(%a: tensor<4x5xf32>) {
  // expected-error @+1 {{'tnn.einsum' op einsum "i j, j k -> i k" has 2 operands, got 1}}
  %0 = tnn.einsum "ij,jk->ik" %a : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @contract_is_binary(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) {
  // expected-error @+1 {{'tnn.contract' op einsum "i j, j k, k l -> i l" has 3 operands, got 2}}
  %0 = tnn.contract "ij,jk,kl->il" %a, %b : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @rank(%a: tensor<4x5x1xf32>, %b: tensor<5x6xf32>) {
  // expected-error @+1 {{operand #0 has 2 modes ("i j") but rank 3: 'tensor<4x5x1xf32>'}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<4x5x1xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @sizes(%x: tensor<32x8x8xf32>, %g: tensor<12x4xf32>) {
  // expected-error @+1 {{mode 'i1' has size 8 in operand #0 ("b i0 i1", tensor<32x8x8xf32>) but size 12 in operand #1 ("i1 r", tensor<12x4xf32>)}}
  %0 = tnn.contract "b i0 i1, i1 r -> b i0 r" %x, %g : (tensor<32x8x8xf32>, tensor<12x4xf32>) -> tensor<32x8x4xf32>
  return
}

// -----

func.func @zero(%a: tensor<4x0xf32>, %b: tensor<0x6xf32>) {
  // expected-error @+1 {{mode 'j' has size 0 in operand #0 ("i j", tensor<4x0xf32>)}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<4x0xf32>, tensor<0x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @dynamic(%a: tensor<?x5xf32>, %b: tensor<5x6xf32>) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type values, but got 'tensor<?x5xf32>'}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<?x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @element_type(%a: tensor<4x5xf16>, %b: tensor<5x6xf16>) {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of 32-bit float or bfloat16 type values, but got 'tensor<4x5xf16>'}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<4x5xf16>, tensor<5x6xf16>) -> tensor<4x6xf32>
  return
}

// -----

func.func @mixed_operands(%a: tensor<4x5xf32>, %b: tensor<5x6xbf16>) {
  // expected-error @+1 {{operands should share one element type, got 'tensor<4x5xf32>' for operand #0 and 'tensor<5x6xbf16>' for operand #1}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<4x5xf32>, tensor<5x6xbf16>) -> tensor<4x6xf32>
  return
}

// -----

func.func @narrowing(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) {
  // expected-error @+1 {{result element type 'bf16' is narrower than that of the operands, 'f32'}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xbf16>
  return
}

// -----

func.func @result_shape(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) {
  // expected-error @+1 {{'tnn.contract' op result ("i k") should be 'tensor<4x6xf32>', got 'tensor<6x4xf32>'}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<6x4xf32>
  return
}

// -----

func.func @operand_too_large(%a: tensor<4294967296x4294967296xf32>, %b: tensor<4294967296xf32>) {
  // expected-error @+1 {{operand #0 ("i j", tensor<4294967296x4294967296xf32>) has more elements than 63 bits can count}}
  %0 = tnn.contract "ij,j->i" %a, %b : (tensor<4294967296x4294967296xf32>, tensor<4294967296xf32>) -> tensor<4294967296xf32>
  return
}

// -----

func.func @result_too_large(%a: tensor<4294967296xf32>, %b: tensor<4294967296xf32>) {
  // expected-error @+1 {{result ("i j") of shape [4294967296, 4294967296] has more elements than 63 bits can count}}
  %0 = tnn.contract "i,j->ij" %a, %b : (tensor<4294967296xf32>, tensor<4294967296xf32>) -> tensor<4294967296x4294967296xf32>
  return
}

// -----

func.func @work_too_large(%a: tensor<1073741824x1073741824xf32>, %b: tensor<1073741824x1073741824xf32>) {
  // expected-error @+1 {{takes more multiply-adds than 63 bits can count: modes "i j k" of sizes [1073741824, 1073741824, 1073741824]}}
  %0 = tnn.contract "ij,jk->ik" %a, %b : (tensor<1073741824x1073741824xf32>, tensor<1073741824x1073741824xf32>) -> tensor<1073741824x1073741824xf32>
  return
}

// -----

func.func @path_length(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) {
  // expected-error @+1 {{path should have 1 pairs for 2 operands, got 2}}
  %0 = tnn.einsum "ij,jk->ik" %a, %b path [(0, 1), (0, 1)] : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @path_range(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>, %c: tensor<6xf32>) {
  // expected-error @+1 {{path step #1 (0, 2) should be within the 2 tensors left (0 to 1)}}
  %0 = tnn.einsum "ij,jk,k->i" %a, %b, %c path [(0, 1), (0, 2)] : (tensor<4x5xf32>, tensor<5x6xf32>, tensor<6xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @path_same(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>, %c: tensor<6xf32>) {
  // expected-error @+1 {{path step #0 (1, 1) should name two tensors}}
  %0 = tnn.einsum "ij,jk,k->i" %a, %b, %c path [(1, 1), (0, 1)] : (tensor<4x5xf32>, tensor<5x6xf32>, tensor<6xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @init_type(%a: tensor<4x5xbf16>, %b: tensor<5x6xbf16>, %s: tensor<6x4xf32>) {
  // expected-error @+1 {{'tnn.contract' op init should be 'tensor<4x6xf32>', sums for every element of the result, got 'tensor<6x4xf32>'}}
  %0 = tnn.contract "ij,jk->ik" %a, %b init(%s) : (tensor<4x5xbf16>, tensor<5x6xbf16>, tensor<6x4xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @init_rounded(%a: tensor<4x5xbf16>, %b: tensor<5x6xbf16>, %s: tensor<4x6xbf16>) {
  // expected-error @+1 {{'tnn.contract' op init should be 'tensor<4x6xf32>', sums for every element of the result, got 'tensor<4x6xbf16>'}}
  %0 = tnn.contract "ij,jk->ik" %a, %b init(%s) : (tensor<4x5xbf16>, tensor<5x6xbf16>, tensor<4x6xbf16>) -> tensor<4x6xbf16>
  return
}
