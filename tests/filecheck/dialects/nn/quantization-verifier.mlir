// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @mixed(%x: tensor<4xf32>, %y: tensor<4xi32>) {
  // expected-error @+1 {{the operands must have elements of one type, got f32 and i32}}
  %z = nn.add %x, %y : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  func.return
}

// -----

func.func @taken(%x: tensor<4xi8>) {
  // expected-error @+1 {{the operands must have elements of one of f32, f16, bf16, f64, got i8}}
  %z = nn.exp %x : (tensor<4xi8>) -> tensor<4xi8>
  func.return
}

// -----

func.func @bias(%x: tensor<4xui8>, %w: tensor<4x3xi8>, %b: tensor<3xf32>) {
  // expected-error @+1 {{the operands must have elements of one of f32, f16, bf16, f64, i64, got ui8, i8, f32}}
  %z = nn.gemm %x, %w bias %b : (tensor<4xui8>, tensor<4x3xi8>, tensor<3xf32>) -> tensor<3xi32>
  func.return
}

// -----

func.func @cast_shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{result type must be tensor<4xf16>, got tensor<1xf16>}}
  %z = nn.cast %x : (tensor<4xf32>) -> tensor<1xf16>
  func.return
}

// -----

func.func @cast_to_i4(%x: tensor<4xf32>) {
  // expected-error @+1 {{the result must have elements of one of f32, f16, bf16, f64, i8, ui8, i16, ui16, i32, i64, got i4}}
  %z = nn.cast %x : (tensor<4xf32>) -> tensor<4xi4>
  func.return
}

// -----

func.func @cast_to_f32(%x: tensor<4xi4>) {
  // expected-error @+1 {{the operands must have elements of one of f32, f16, bf16, f64, i1, i8, ui8, i16, ui16, i32, i64, got i4}}
  %z = nn.cast %x : (tensor<4xi4>) -> tensor<4xf32>
  func.return
}

// -----

func.func @floats(%x: tensor<4xf32>, %y: tensor<4xf16>) {
  // expected-error @+1 {{the operands must have elements of one type, got f32 and f16}}
  %z = nn.add %x, %y : (tensor<4xf32>, tensor<4xf16>) -> tensor<4xf32>
  func.return
}

// -----

func.func @quantize(%x: tensor<4xf32>, %s: tensor<f32>, %z: tensor<i32>) {
  // expected-error @+1 {{the operands must have elements of f32, f32 and one of i8, ui8, i16, ui16, got f32, f32, i32}}
  %q = nn.quantize %x, %s, %z : (tensor<4xf32>, tensor<f32>, tensor<i32>) -> tensor<4xi32>
  func.return
}

// -----

func.func @dequantize(%x: tensor<4xi8>, %s: tensor<f32>, %z: tensor<ui8>) {
  // expected-error @+1 {{the operands must have elements of one of i8, ui8, i16, ui16, i32, of f32, and of the first type again, got i8, f32, ui8}}
  %q = nn.dequantize %x, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<ui8>) -> tensor<4xf32>
  func.return
}
