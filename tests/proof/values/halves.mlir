// Numbers of f16, which are computed in f32 and rounded.
func.func @main(%x: tensor<4x6xf16>) -> tensor<4xf32> {
  %w = nn.parameter "w" : tensor<5x6xf16>
  %b = nn.parameter "b" : tensor<5xf16>
  %a = nn.gemm %x, %w bias %b {trans_b} : (tensor<4x6xf16>, tensor<5x6xf16>, tensor<5xf16>) -> tensor<4x5xf16>
  %t = nn.tanh %a : (tensor<4x5xf16>) -> tensor<4x5xf16>
  %g = nn.gemm %t, %t {trans_b} : (tensor<4x5xf16>, tensor<4x5xf16>) -> tensor<4x4xf16>
  %f = nn.cast %g : (tensor<4x4xf16>) -> tensor<4x4xf32>
  %m = nn.reduce_mean %f {axes = [1]} : (tensor<4x4xf32>) -> tensor<4xf32>
  %h = nn.cast %m : (tensor<4xf32>) -> tensor<4xf16>
  %y = nn.cast %h : (tensor<4xf16>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}
