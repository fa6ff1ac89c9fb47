// RUN: cm-opt %s -p nn-outline-stages --split-input-file --verify-diagnostics

// Where a layout cannot be read or written as it is, a copy gets a stage, and a remark says why.

func.func @read_and_returned(%x: tensor<4x8xf32>) -> (tensor<32xf32>, tensor<4x8xf32>) {
  %r = nn.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %y = nn.reshape %r {shape = [32]} : (tensor<4x8xf32>) -> tensor<32xf32>
  // expected-remark @+1 {{inserted a stage that copies %y: the stage that computes it cannot write it in this layout}}
  func.return %y, %r : tensor<32xf32>, tensor<4x8xf32>
}

// -----

func.func @twice(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %r = nn.relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @+1 {{inserted a stage that copies %r: another output uses its memory}}
  func.return %r, %r : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

func.func @pads_side_by_side(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<8x10xf32> {
  %a = nn.pad %x {pads = [0, 1, 0, 1]} : (tensor<4x8xf32>) -> tensor<4x10xf32>
  %b = nn.pad %y {pads = [0, 1, 0, 1], value = 1.0} : (tensor<4x8xf32>) -> tensor<4x10xf32>
  // expected-remark @+1 {{inserted a stage that copies %a: padding with 0.0 and 1.0 in one value}}
  %c = nn.concat %a, %b {axis = 0} : (tensor<4x10xf32>, tensor<4x10xf32>) -> tensor<8x10xf32>
  %z = nn.relu %c : (tensor<8x10xf32>) -> tensor<8x10xf32>
  func.return %z : tensor<8x10xf32>
}

// -----

// Windows do not read many pieces; operators that read each element once do.

func.func @pieces(%x: tensor<1x40xf32>) -> (tensor<1x40xf32>, tensor<1x39xf32>) {
  %g = nn.gather %x {axis = 1, indices = [0, 20, 1, 21, 2, 22, 3, 23, 4, 24, 5, 25, 6, 26, 7, 27, 8,
                                          28, 9, 29, 10, 30, 11, 31, 12, 32, 13, 33, 14, 34, 15, 35,
                                          16, 36, 17, 37, 18, 38, 19, 39]}
      : (tensor<1x40xf32>) -> tensor<1x40xf32>
  %y = nn.relu %g : (tensor<1x40xf32>) -> tensor<1x40xf32>
  // expected-remark @+1 {{inserted a stage that copies %g: windows would read it in 20 affine pieces}}
  %z = nn.max_pool %g {kernel = [2]} : (tensor<1x40xf32>) -> tensor<1x39xf32>
  func.return %y, %z : tensor<1x40xf32>, tensor<1x39xf32>
}
