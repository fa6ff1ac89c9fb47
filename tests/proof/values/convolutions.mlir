// Windows with padding, maxima of windows and of two, a difference.
func.func @main(%x: tensor<3x6x6xf32>) -> tensor<4x2x2xf32> {
  %w1 = nn.parameter "w1" : tensor<4x3x3x3xf32>
  %b1 = nn.parameter "b1" : tensor<4xf32>
  %w2 = nn.parameter "w2" : tensor<4x4x3x3xf32>
  %a = nn.conv %x, %w1 bias %b1 {pads = [1, 1, 1, 1]} : (tensor<3x6x6xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<4x6x6xf32>
  %r = nn.relu %a : (tensor<4x6x6xf32>) -> tensor<4x6x6xf32>
  %c = nn.conv %r, %w2 {pads = [1, 1, 1, 1]} : (tensor<4x6x6xf32>, tensor<4x4x3x3xf32>) -> tensor<4x6x6xf32>
  %d = nn.sub %c, %r : (tensor<4x6x6xf32>, tensor<4x6x6xf32>) -> tensor<4x6x6xf32>
  %e = nn.hard_swish %d : (tensor<4x6x6xf32>) -> tensor<4x6x6xf32>
  %p = nn.max_pool %e {kernel = [3, 3], strides = [3, 3], pads = [1, 1, 0, 0]} : (tensor<4x6x6xf32>) -> tensor<4x2x2xf32>
  func.return %p : tensor<4x2x2xf32>
}
