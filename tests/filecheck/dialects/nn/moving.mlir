// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// CHECK-LABEL: @layouts
func.func @layouts(%x: tensor<4x8x8xf32>, %y: tensor<2x8x8xf32>, %c: tensor<4x1x1xf32>) {
  // CHECK-NEXT: nn.concat %x, %y, %x {axis = 0} : (tensor<4x8x8xf32>, tensor<2x8x8xf32>, tensor<4x8x8xf32>) -> tensor<10x8x8xf32>
  %0 = nn.concat %x, %y, %x {axis = 0}
      : (tensor<4x8x8xf32>, tensor<2x8x8xf32>, tensor<4x8x8xf32>) -> tensor<10x8x8xf32>
  // CHECK-NEXT: nn.concat %x {axis = 2} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %1 = nn.concat %x {axis = 2} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.gather %x {axis = 1, indices = [7, 0, 0]} : (tensor<4x8x8xf32>) -> tensor<4x3x8xf32>
  %2 = nn.gather %x {axis = 1, indices = [7, 0, 0]} : (tensor<4x8x8xf32>) -> tensor<4x3x8xf32>
  // CHECK-NEXT: nn.expand %c {shape = [3, 4, 8, 8]} : (tensor<4x1x1xf32>) -> tensor<3x4x8x8xf32>
  %3 = nn.expand %c {shape = [3, 4, 8, 8]} : (tensor<4x1x1xf32>) -> tensor<3x4x8x8xf32>
  // CHECK-NEXT: nn.pad %x {pads = [0, 1, 1, 0, 1, 1], reflect} : (tensor<4x8x8xf32>) -> tensor<4x10x10xf32>
  %4 = nn.pad %x {pads = [0, 1, 1, 0, 1, 1], reflect} : (tensor<4x8x8xf32>) -> tensor<4x10x10xf32>
  // CHECK-NEXT: nn.pad %x {pads = [0, 1, 1, 0, 1, 1], edge} : (
  %5 = nn.pad %x {pads = [0, 1, 1, 0, 1, 1], edge} : (tensor<4x8x8xf32>) -> tensor<4x10x10xf32>
  // CHECK-NEXT: nn.pad %x {pads = [0, 9, 0, 0, 0, 0], wrap} : (
  %6 = nn.pad %x {pads = [0, 9, 0, 0, 0, 0], wrap} : (tensor<4x8x8xf32>) -> tensor<4x17x8xf32>
  // CHECK-NEXT: nn.resize %x {sizes = [4, 16, 12], divisors = [1, 2, 1]} : (tensor<4x8x8xf32>) -> tensor<4x16x12xf32>
  %7 = nn.resize %x {sizes = [4, 16, 12], factors = [1, 1, 1], offsets = [0, 0, 0], divisors = [1, 2, 1]}
      : (tensor<4x8x8xf32>) -> tensor<4x16x12xf32>
  func.return
}

// CHECK-LABEL: @iterations
func.func @iterations(%x: tensor<4x8x8xf32>, %w: tensor<4x3x2x2xf32>, %b: tensor<6xf32>) {
  // CHECK-NEXT: nn.interpolate %x {sizes = [16, 16], factors = [2, 2], offsets = [-1, -1], divisors = [4, 4]} : (
  %0 = nn.interpolate %x {sizes = [16, 16], factors = [2, 2], offsets = [-1, -1], divisors = [4, 4]}
      : (tensor<4x8x8xf32>) -> tensor<4x16x16xf32>
  // CHECK-NEXT: nn.interpolate %x {sizes = [16, 8], divisors = [2, 1], cubic = -7.500000e-01} : (
  %3 = nn.interpolate %x {sizes = [16, 8], divisors = [2, 1], cubic = -0.75}
      : (tensor<4x8x8xf32>) -> tensor<4x16x8xf32>
  // CHECK-NEXT: nn.conv_transpose %x, %w : (tensor<4x8x8xf32>, tensor<4x3x2x2xf32>) -> tensor<3x9x9xf32>
  %1 = nn.conv_transpose %x, %w : (tensor<4x8x8xf32>, tensor<4x3x2x2xf32>) -> tensor<3x9x9xf32>
  // CHECK-NEXT: nn.conv_transpose %x, %w bias %b {strides = [2, 2], pads = [0, 1, 0, 0], output_padding = [1, 0], groups = 2} : (
  %2 = nn.conv_transpose %x, %w bias %b
      {strides = [2, 2], pads = [0, 1, 0, 0], output_padding = [1, 0], groups = 2}
      : (tensor<4x8x8xf32>, tensor<4x3x2x2xf32>, tensor<6xf32>) -> tensor<6x17x15xf32>
  func.return
}
