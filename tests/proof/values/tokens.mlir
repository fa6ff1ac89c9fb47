// Look-up in a table and in data, arithmetic and comparisons of the indices, conversions from and to integers.
func.func @main(%t: tensor<4xi64>, %x: tensor<3x4xf32>) -> (tensor<4x3xf32>, tensor<3x4xf32>, tensor<4xi32>) {
  %table = nn.parameter "table" : tensor<5x3xf32>
  %one = nn.parameter dense<1> : tensor<i64>
  %e = nn.take %table, %t {axis = 0} : (tensor<5x3xf32>, tensor<4xi64>) -> tensor<4x3xf32>
  %n = nn.sub %one, %t : (tensor<i64>, tensor<4xi64>) -> tensor<4xi64>
  %c = nn.cast %n : (tensor<4xi64>) -> tensor<4xi32>
  %y = nn.take %x, %c {axis = 1} : (tensor<3x4xf32>, tensor<4xi32>) -> tensor<3x4xf32>
  %l = nn.less %n, %one : (tensor<4xi64>, tensor<i64>) -> tensor<4xi1>
  %f = nn.cast %l : (tensor<4xi1>) -> tensor<4xf32>
  %z = nn.mul %y, %f : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  %i = nn.cast %f : (tensor<4xf32>) -> tensor<4xi32>
  func.return %e, %z, %i : tensor<4x3xf32>, tensor<3x4xf32>, tensor<4xi32>
}
