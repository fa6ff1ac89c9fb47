func.func @main(%a: tensor<1x10xf32>) -> tensor<1x6xf32> {
  %w1 = nn.parameter dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %w2 = nn.parameter dense<[[[1.0, 0.0, -1.0]]]> : tensor<1x1x3xf32>
  %b = nn.conv %a, %w1 : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %c = nn.conv %b, %w2 : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x6xf32>
  func.return %c : tensor<1x6xf32>
}
