func.func @main(%a: tensor<1x9xf32>) -> tensor<1x5xf32> {
  %w = nn.parameter dense<1.0> : tensor<1x1x5xf32>
  %c = nn.conv %a, %w : (tensor<1x9xf32>, tensor<1x1x5xf32>) -> tensor<1x5xf32>
  func.return %c : tensor<1x5xf32>
}
