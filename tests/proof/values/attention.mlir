// A block of attention with two masks of -inf: one is chosen by a condition, the other one is added.
func.func @main(%x: tensor<4x6xf32>, %mask: tensor<4x4xi1>) -> tensor<4x6xf32> {
  %wq = nn.parameter "wq" : tensor<6x6xf32>
  %wk = nn.parameter "wk" : tensor<6x6xf32>
  %wv = nn.parameter "wv" : tensor<6x6xf32>
  %g = nn.parameter "gain" : tensor<6xf32>
  %b = nn.parameter "shift" : tensor<6xf32>
  %scale = nn.parameter dense<4.082483e-01> : tensor<f32>
  %low = nn.parameter dense<"0x000080FF"> : tensor<f32>
  %causal = nn.parameter dense<"0x00000000000080FF000080FF000080FF0000000000000000000080FF000080FF000000000000000000000000000080FF00000000000000000000000000000000"> : tensor<4x4xf32>
  %n = nn.layer_norm %x, %g bias %b : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  %q = nn.gemm %n, %wq : (tensor<4x6xf32>, tensor<6x6xf32>) -> tensor<4x6xf32>
  %k = nn.gemm %n, %wk : (tensor<4x6xf32>, tensor<6x6xf32>) -> tensor<4x6xf32>
  %v = nn.gemm %n, %wv : (tensor<4x6xf32>, tensor<6x6xf32>) -> tensor<4x6xf32>
  %s = nn.gemm %q, %k {trans_b} : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x4xf32>
  %t = nn.mul %s, %scale : (tensor<4x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  %m = nn.where %mask, %t, %low : (tensor<4x4xi1>, tensor<4x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  %c = nn.add %m, %causal : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %p = nn.softmax %c {axes = [1]} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %o = nn.gemm %p, %v : (tensor<4x4xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  %y = nn.add %o, %x : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %y : tensor<4x6xf32>
}
