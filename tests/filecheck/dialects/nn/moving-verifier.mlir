// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @concat_axis(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{`axis` must be one of the 2 dimensions, counted from 0, got 2}}
  %0 = nn.concat %x, %x {axis = 2} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x16xf32>
  func.return
}

// -----

func.func @concat_shapes(%x: tensor<4x8xf32>, %y: tensor<4x7xf32>) {
  // expected-error @+1 {{shapes [4, 8] and [4, 7] differ in more than dimension 0}}
  %0 = nn.concat %x, %y {axis = 0} : (tensor<4x8xf32>, tensor<4x7xf32>) -> tensor<8x8xf32>
  func.return
}

// -----

func.func @gather_index(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{index 4 is outside dimension 0, which has 4 elements}}
  %0 = nn.gather %x {axis = 0, indices = [1, 4]} : (tensor<4x8xf32>) -> tensor<2x8xf32>
  func.return
}

// -----

func.func @gather_nothing(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{`indices` must not be empty}}
  %0 = nn.gather %x {axis = 0, indices = []} : (tensor<4x8xf32>) -> tensor<0x8xf32>
  func.return
}

// -----

func.func @expand(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{shape [4, 2] does not broadcast to `shape`, [4, 8]}}
  %0 = nn.expand %x {shape = [4, 8]} : (tensor<4x2xf32>) -> tensor<4x8xf32>
  func.return
}

// -----

func.func @pad_modes(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{a pad must not have both `edge` and `wrap`}}
  %0 = nn.pad %x {pads = [0, 1, 0, 1], wrap, edge} : (tensor<4x8xf32>) -> tensor<4x10xf32>
  func.return
}

// -----

func.func @pad_negative(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{`pads` must be >= 0 with `edge`, got [0, -1, 0, 1]}}
  %0 = nn.pad %x {pads = [0, -1, 0, 1], edge} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  func.return
}

// -----

func.func @pad_reflect(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{`reflect` must pad dimension 0, which has 4 elements, by less than that, got 4}}
  %0 = nn.pad %x {pads = [0, 0, 4, 0], reflect} : (tensor<4x8xf32>) -> tensor<8x8xf32>
  func.return
}

// -----

func.func @resize_rank(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{`sizes` must have 2 entries, got 1}}
  %0 = nn.resize %x {sizes = [4]} : (tensor<4x8xf32>) -> tensor<4xf32>
  func.return
}

// -----

func.func @resize_divisor(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{`divisors` must be > 0, got [1, 0]}}
  %0 = nn.resize %x {sizes = [4, 8], divisors = [1, 0]} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  func.return
}

// -----

func.func @interpolate(%x: tensor<4xf32>) {
  // expected-error @+1 {{the input must have channels and spatial dimensions, got shape [4]}}
  %0 = nn.interpolate %x {sizes = []} : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}

// -----

func.func @conv_transpose_channels(%x: tensor<4x8x8xf32>, %w: tensor<3x4x2x2xf32>) {
  // expected-error @+1 {{the weight must have 4 input channels, got 3}}
  %0 = nn.conv_transpose %x, %w : (tensor<4x8x8xf32>, tensor<3x4x2x2xf32>) -> tensor<4x9x9xf32>
  func.return
}

// -----

func.func @conv_transpose_groups(%x: tensor<4x8x8xf32>, %w: tensor<4x4x2x2xf32>) {
  // expected-error @+1 {{`groups` must divide the 4 input channels, got 3}}
  %0 = nn.conv_transpose %x, %w {groups = 3}
      : (tensor<4x8x8xf32>, tensor<4x4x2x2xf32>) -> tensor<12x9x9xf32>
  func.return
}

// -----

func.func @conv_transpose_pads(%x: tensor<4x2x2xf32>, %w: tensor<4x4x2x2xf32>) {
  // expected-error @+1 {{`pads` leave a size of 0 in spatial dimension 0}}
  %0 = nn.conv_transpose %x, %w {pads = [2, 0, 1, 0]}
      : (tensor<4x2x2xf32>, tensor<4x4x2x2xf32>) -> tensor<4x0x3xf32>
  func.return
}
