func.func @main(%a: tensor<1x4x4x4xf32>) -> tensor<1x2x2x2xf32> {
  %w = nn.parameter dense<1.0> : tensor<1x1x2x2x2xf32>
  %b = nn.conv %a, %w : (tensor<1x4x4x4xf32>, tensor<1x1x2x2x2xf32>) -> tensor<1x3x3x3xf32>
  %c = nn.conv %b, %w : (tensor<1x3x3x3xf32>, tensor<1x1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  func.return %c : tensor<1x2x2x2xf32>
}
