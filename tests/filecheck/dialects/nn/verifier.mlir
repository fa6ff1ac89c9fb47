// RUN: cm-opt %s --split-input-file --verify-diagnostics

func.func @parameter_name() {
  // expected-error @+1 {{the name of a parameter must not be empty}}
  %w = nn.parameter "" : tensor<16xf32>
  func.return
}

// -----

func.func @parameter_type() {
  // expected-error @+1 {{result type must be tensor<2xf32>, got tensor<3xf32>}}
  %w = "nn.parameter"() <{source = dense<[1.0, 2.0]> : tensor<2xf32>}> : () -> tensor<3xf32>
  func.return
}

// -----

func.func @parameter_dynamic() {
  // expected-error @+1 {{expected a tensor with a static shape, got tensor<?xf32>}}
  %w = nn.parameter "w" : tensor<?xf32>
  func.return
}

// -----

func.func @element_type(%x: tensor<1x4xf64>) {
  // expected-error @+1 {{the operands must have elements of f32, got f64}}
  %0 = nn.interpolate %x {sizes = [4]} : (tensor<1x4xf64>) -> tensor<1x4xf64>
  func.return
}

// -----

func.func @result_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{result type must be tensor<4xf32>, got tensor<5xf32>}}
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<5xf32>
  func.return
}

// -----

func.func @conv_input(%x: tensor<4xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{the input must have channels and spatial dimensions, got shape [4]}}
  %0 = nn.conv %x, %w : (tensor<4xf32>, tensor<6x4x3xf32>) -> tensor<6xf32>
  func.return
}

// -----

func.func @conv_weight(%x: tensor<4x8x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{the weight must have 4 dimensions, got 3}}
  %0 = nn.conv %x, %w : (tensor<4x8x8xf32>, tensor<6x4x3xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_channels(%x: tensor<4x8x8xf32>, %w: tensor<6x3x3x3xf32>) {
  // expected-error @+1 {{the weight must have 4 / 1 = 4 input channels, got 3}}
  %0 = nn.conv %x, %w : (tensor<4x8x8xf32>, tensor<6x3x3x3xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_groups(%x: tensor<4x8x8xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @+1 {{`groups` must divide the 6 output channels, got 4}}
  %0 = nn.conv %x, %w {groups = 4} : (tensor<4x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_no_groups(%x: tensor<4x8x8xf32>, %w: tensor<6x1x3x3xf32>) {
  // expected-error @+1 {{`groups` must divide the 4 input channels, got 0}}
  %0 = nn.conv %x, %w {groups = 0} : (tensor<4x8x8xf32>, tensor<6x1x3x3xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_bias(%x: tensor<4x8x8xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<1x6xf32>) {
  // expected-error @+1 {{the bias must have shape [6], one per output channel, got [1, 6]}}
  %0 = nn.conv %x, %w bias %b
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<1x6xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_strides(%x: tensor<4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{`strides` must have 2 entries, one per spatial dimension, got 3}}
  %0 = nn.conv %x, %w {strides = [1, 1, 1]}
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_dilations(%x: tensor<4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{`dilations` must be > 0, got [1, 0]}}
  %0 = nn.conv %x, %w {dilations = [1, 0]}
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_pads(%x: tensor<4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{`pads` must have 4 entries, a begin and an end per spatial dimension, got 2}}
  %0 = nn.conv %x, %w {pads = [1, 1]}
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<6x6x6xf32>
  func.return
}

// -----

func.func @conv_negative_pads(%x: tensor<4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{`pads` must be >= 0, got [0, 0, -1, 0]}}
  %0 = nn.conv %x, %w {pads = [0, 0, -1, 0]}
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<6x5x6xf32>
  func.return
}

// -----

func.func @conv_too_small(%x: tensor<4x8x3xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{a window of extent 5 does not fit the padded size 4 of spatial dimension 1}}
  %0 = nn.conv %x, %w {pads = [0, 0, 0, 1], dilations = [1, 2]}
      : (tensor<4x8x3xf32>, tensor<6x4x3x3xf32>) -> tensor<6x6x1xf32>
  func.return
}

// -----

func.func @conv_result(%x: tensor<4x8x8xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @+1 {{result type must be tensor<6x4x4xf32>, got tensor<6x8x8xf32>}}
  %0 = nn.conv %x, %w {strides = [2, 2], pads = [1, 1, 1, 1]}
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<6x8x8xf32>
  func.return
}

// -----

func.func @conv_generic(%x: tensor<4x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{property 'pads' expected}}
  %0 = "nn.conv"(%x, %w) <{strides = array<i64: 1>, dilations = array<i64: 1>, groups = 1 : i64}>
      : (tensor<4x8xf32>, tensor<6x4x3xf32>) -> tensor<6x6xf32>
  func.return
}

// -----

func.func @conv_property_type(%x: tensor<4x8xf32>, %w: tensor<6x4x3xf32>) {
  // expected-error @+1 {{Expected attribute i64 but got i32}}
  %0 = "nn.conv"(%x, %w) <{strides = array<i32: 1>, pads = array<i64: 0, 0>,
                          dilations = array<i64: 1>, groups = 1 : i64}>
      : (tensor<4x8xf32>, tensor<6x4x3xf32>) -> tensor<6x6xf32>
  func.return
}

// -----

func.func @gemm_input(%x: tensor<f32>, %w: tensor<8x10xf32>) {
  // expected-error @+1 {{the input must have rows, got a tensor without dimensions}}
  %0 = nn.gemm %x, %w : (tensor<f32>, tensor<8x10xf32>) -> tensor<10xf32>
  func.return
}

// -----

func.func @gemm_weight(%x: tensor<8xf32>, %w: tensor<8xf32>) {
  // expected-error @+1 {{the weight must have 2 dimensions or more, got 1}}
  %0 = nn.gemm %x, %w : (tensor<8xf32>, tensor<8xf32>) -> tensor<f32>
  func.return
}

// -----

func.func @gemm_inner(%x: tensor<8xf32>, %w: tensor<8x10xf32>) {
  // expected-error @+1 {{the input has rows of 8 elements, the weight takes 10}}
  %0 = nn.gemm %x, %w {trans_b} : (tensor<8xf32>, tensor<8x10xf32>) -> tensor<8xf32>
  func.return
}

// -----

func.func @gemm_bias(%x: tensor<8xf32>, %w: tensor<8x10xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{the bias must have shape [10], one per result column, got [8]}}
  %0 = nn.gemm %x, %w bias %b : (tensor<8xf32>, tensor<8x10xf32>, tensor<8xf32>) -> tensor<10xf32>
  func.return
}

// -----

func.func @add(%a: tensor<3x4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{shapes [3, 4] and [3] do not broadcast to one shape}}
  %0 = nn.add %a, %b : (tensor<3x4xf32>, tensor<3xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @batch_norm(%x: tensor<3x4xf32>, %c: tensor<3xf32>, %d: tensor<4xf32>) {
  // expected-error @+1 {{the mean must have shape [3], one per channel, got [4]}}
  %0 = nn.batch_norm %x, %c, %c, %d, %c
      : (tensor<3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<3xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @batch_norm_scalar(%x: tensor<f32>, %c: tensor<1xf32>) {
  // expected-error @+1 {{the input must have channels, got a tensor without dimensions}}
  %0 = nn.batch_norm %x, %c, %c, %c, %c
      : (tensor<f32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<f32>
  func.return
}

// -----

func.func @pool_kernel(%x: tensor<3x4x4xf32>) {
  // expected-error @+1 {{`kernel` must have 2 entries, one per spatial dimension, got 1}}
  %0 = nn.max_pool %x {kernel = [2]} : (tensor<3x4x4xf32>) -> tensor<3x3x3xf32>
  func.return
}

// -----

func.func @pool_no_kernel(%x: tensor<3x4x4xf32>) {
  // expected-error @+1 {{property 'kernel' expected}}
  %0 = nn.max_pool %x : (tensor<3x4x4xf32>) -> tensor<3x3x3xf32>
  func.return
}

// -----

func.func @pool_padding(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{the window at position 0 of spatial dimension 0 contains no element of the input}}
  %0 = nn.average_pool %x {kernel = [2], pads = [2, 0]} : (tensor<3x4xf32>) -> tensor<3x5xf32>
  func.return
}

// -----

func.func @global_pool(%x: tensor<3xf32>) {
  // expected-error @+1 {{the input must have channels and spatial dimensions, got shape [3]}}
  %0 = nn.global_average_pool %x : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

func.func @reshape(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`shape` must have 12 elements, got 10 in [5, 2]}}
  %0 = nn.reshape %x {shape = [5, 2]} : (tensor<3x4xf32>) -> tensor<5x2xf32>
  func.return
}

// -----

func.func @reshape_wildcard(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`shape` must be > 0, got [-1, 2]}}
  %0 = nn.reshape %x {shape = [-1, 2]} : (tensor<3x4xf32>) -> tensor<6x2xf32>
  func.return
}

// -----

func.func @transpose(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`perm` must have each of the 2 dimensions once, got [1, 1]}}
  %0 = nn.transpose %x {perm = [1, 1]} : (tensor<3x4xf32>) -> tensor<4x4xf32>
  func.return
}

// -----

func.func @slice_entries(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`starts` must have 2 entries, one per dimension, got 1}}
  %0 = nn.slice %x {starts = [1]} : (tensor<3x4xf32>) -> tensor<2x4xf32>
  func.return
}

// -----

func.func @slice_steps(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`steps` must not be 0, got [1, 0]}}
  %0 = nn.slice %x {steps = [1, 0]} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return
}

// -----

func.func @slice_outside(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{index 4 is outside dimension 1, which has 4 elements}}
  %0 = nn.slice %x {ends = [3, 5]} : (tensor<3x4xf32>) -> tensor<3x5xf32>
  func.return
}

// -----

func.func @slice_relative(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{range(0, -1) selects no element of dimension 1}}
  %0 = nn.slice %x {ends = [3, -1]} : (tensor<3x4xf32>) -> tensor<3x3xf32>
  func.return
}

// -----

func.func @pad(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`pads` must have 4 entries, a begin and an end per dimension, got 2}}
  %0 = nn.pad %x {pads = [1, 1]} : (tensor<3x4xf32>) -> tensor<5x4xf32>
  func.return
}

// -----

func.func @pad_nothing_left(%x: tensor<3x4xf32>) {
  // expected-error @+1 {{`pads` leave a size of 0 in dimension 0}}
  %0 = nn.pad %x {pads = [-1, 0, -2, 0]} : (tensor<3x4xf32>) -> tensor<0x4xf32>
  func.return
}

// -----

func.func @stage_argument(%x: tensor<4xf32>) {
  // expected-error @+1 {{argument 0 must have the type of operand 0, tensor<4xf32>, got tensor<5xf32>}}
  "nn.stage"(%x) <{sym_name = "s"}> ({
  ^bb0(%a: tensor<5xf32>):
    nn.yield
  }) : (tensor<4xf32>) -> ()
  func.return
}

// -----

func.func @stage_arguments(%x: tensor<4xf32>) {
  // expected-error @+1 {{a stage must have one argument per operand, 1, got 0}}
  "nn.stage"(%x) <{sym_name = "s"}> ({
    nn.yield
  }) : (tensor<4xf32>) -> ()
  func.return
}

// -----

func.func @stage_results(%x: tensor<4xf32>) {
  // expected-error @+1 {{a stage must have one yielded value per result, 1, got 0}}
  %0 = nn.stage @s(%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    nn.yield
  }
  func.return
}

// -----

func.func @stage_result_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{yielded value 0 must have the type of result 0, tensor<5xf32>, got tensor<4xf32>}}
  %0 = nn.stage @s(%a = %x : tensor<4xf32>) -> (tensor<5xf32>) {
    nn.yield %a : tensor<4xf32>
  }
  func.return
}

// -----

func.func @stage_isolated(%x: tensor<4xf32>) {
  // expected-error @+1 {{Operation using value defined out of its IsolatedFromAbove parent}}
  %0 = nn.stage @s() -> (tensor<4xf32>) {
    nn.yield %x : tensor<4xf32>
  }
  func.return
}

// -----

func.func @stage_terminator(%x: tensor<4xf32>) {
  nn.stage @s(%a = %x : tensor<4xf32>) -> () {
    // expected-error @+1 {{terminates block in single-block region but is not a terminator}}
    %0 = nn.relu %a : (tensor<4xf32>) -> tensor<4xf32>
  }
  func.return
}

// -----

func.func @yield_outside(%x: tensor<4xf32>) {
  // expected-error @+1 {{'nn.yield' expects parent op to be one of 'nn.stage', 'nn.scan'}}
  nn.yield %x : tensor<4xf32>
}
