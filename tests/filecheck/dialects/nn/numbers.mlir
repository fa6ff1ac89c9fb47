// RUN: cm-opt %s --split-input-file --verify-diagnostics | filecheck %s

// A number without a point is that number; only hexadecimal digits are the bits of one.

// CHECK: value = 1.000000e+00
func.func @integer(%x: tensor<4xf32>) -> tensor<6xf32> {
  %p = nn.pad %x {pads = [1, 1], value = 1} : (tensor<4xf32>) -> tensor<6xf32>
  func.return %p : tensor<6xf32>
}

// -----

// CHECK: value = 0xff800000
func.func @bits(%x: tensor<4xf32>) -> tensor<6xf32> {
  %p = nn.pad %x {pads = [1, 1], value = 0xFF800000} : (tensor<4xf32>) -> tensor<6xf32>
  func.return %p : tensor<6xf32>
}

// -----

func.func @too_many_bits(%x: tensor<4xf32>) -> tensor<6xf32> {
  // expected-error @below {{0x1ff800000 has more bits than f32}}
  %p = nn.pad %x {pads = [1, 1], value = 0x1FF800000} : (tensor<4xf32>) -> tensor<6xf32>
  func.return %p : tensor<6xf32>
}
