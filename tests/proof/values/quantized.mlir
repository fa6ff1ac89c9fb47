// Integers of few bits, roundings, zero points.
func.func @main(%x: tensor<2x5x5xf32>) -> tensor<3x5x5xf32> {
  %s = nn.parameter dense<2.500000e-02> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<ui8>
  %w = nn.parameter "w" : tensor<3x2x3x3xi8>
  %b = nn.parameter "b" : tensor<3xi32>
  %t = nn.parameter dense<1.000000e-02> : tensor<f32>
  %zero = nn.parameter dense<0> : tensor<i32>
  %u = nn.parameter dense<5.000000e-02> : tensor<f32>
  %v = nn.parameter dense<-7> : tensor<i8>
  %q = nn.quantize %x, %s, %z : (tensor<2x5x5xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x5x5xui8>
  %c = nn.conv %q, %w bias %b {pads = [1, 1, 1, 1]} : (tensor<2x5x5xui8>, tensor<3x2x3x3xi8>, tensor<3xi32>) -> tensor<3x5x5xi32>
  %f = nn.dequantize %c, %t, %zero : (tensor<3x5x5xi32>, tensor<f32>, tensor<i32>) -> tensor<3x5x5xf32>
  %r = nn.quantize %f, %u, %v : (tensor<3x5x5xf32>, tensor<f32>, tensor<i8>) -> tensor<3x5x5xi8>
  %m = nn.max_pool %r {kernel = [2, 2], pads = [1, 1, 0, 0]} : (tensor<3x5x5xi8>) -> tensor<3x5x5xi8>
  %y = nn.dequantize %m, %u, %v : (tensor<3x5x5xi8>, tensor<f32>, tensor<i8>) -> tensor<3x5x5xf32>
  func.return %y : tensor<3x5x5xf32>
}
