// Comparisons, what is true of them, choices by it, and the place of the largest element.
func.func @main(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<4xi32>, tensor<4xf32>) {
  %two = nn.parameter dense<2.000000e+00> : tensor<f32>
  %a = nn.less %x, %y : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xi1>
  %b = nn.equal %x, %two : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xi1>
  %n = nn.not %b : (tensor<3x4xi1>) -> tensor<3x4xi1>
  %c = nn.or %a, %n : (tensor<3x4xi1>, tensor<3x4xi1>) -> tensor<3x4xi1>
  %d = nn.xor %c, %b : (tensor<3x4xi1>, tensor<3x4xi1>) -> tensor<3x4xi1>
  %p = nn.pow %x, %two : (tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  %q = nn.div %p, %y : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %w = nn.where %d, %q, %x : (tensor<3x4xi1>, tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %i = nn.argmax %w {axis = 0, last} : (tensor<3x4xf32>) -> tensor<4xi32>
  %m = nn.reduce_min %w {axes = [0]} : (tensor<3x4xf32>) -> tensor<4xf32>
  func.return %w, %i, %m : tensor<3x4xf32>, tensor<4xi32>, tensor<4xf32>
}
